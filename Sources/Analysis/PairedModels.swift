internal import Kernels
internal import LanguageModel

/// Two models that read the same texts.
struct PairedModels: Sendable {
    /// A text in each model's tokens, and which of them are looked at; each has one before it.
    struct Text: Sendable {
        let policyTokens: [Int32]
        let referenceTokens: [Int32]
        let scored: Range<Int>
    }

    let policy: LoadedModel
    let reference: LoadedModel

    /// Runs both models over texts and looks at each scored token with both models' logits for it, [V] each.
    ///
    /// - Parameters:
    ///   - progress: Called from any worker after each text with the texts done so far.
    ///   - look: The text's number, the token's position, the policy's and the reference's logits, and scratch that
    ///     belongs to the worker.
    /// - Returns: For each text the results at its scored tokens, whatever the number of workers.
    func map<Value: Sendable>(
        _ texts: [Text], pool: WorkerPool, progress: @Sendable (Int) -> Void,
        _ look: @Sendable (Int, Int, Span<Float>, Span<Float>, inout LogProbabilityRows) throws(AnalysisError) -> Value
    ) throws(AnalysisError) -> [[Value]] {
        let length = max(1, texts.lazy.map(\.policyTokens.count).max() ?? 1)
        let workspaces = (0..<max(1, min(pool.workerCount, texts.count))).map { _ in
            (
                policy: Self.workspace(of: policy, length: length),
                reference: Self.workspace(of: reference, length: length),
                critic: policy.valueHead?.critic.makeWorkspace(maximumRowCount: length)
            )
        }
        let counter = ProgressCounter()
        // One task a worker, so that each has its own workspaces; texts in turn, so that all have as many.
        let results = try pool.results(taskCount: workspaces.count) { task throws(AnalysisError) in
            var rows = LogProbabilityRows()
            var results: [(text: Int, values: [Value])] = []
            for index in stride(from: task, to: texts.count, by: workspaces.count) {
                let text = texts[index]
                let (ours, theirs, critic) = workspaces[task]
                Self.read(text.policyTokens, policy, ours)
                Self.read(text.referenceTokens, reference, theirs)
                let rowCount = text.policyTokens.count
                if let head = policy.valueHead, let critic {
                    head.critic.forward(
                        hidden: ours.hidden, rowCount: rowCount, parameters: head.parameters, workspace: critic)
                }
                var values: [Value] = []
                values.reserveCapacity(text.scored.count)
                for position in text.scored {
                    // The distribution of a token is what the models say at the token before it.
                    rows.policyValue = critic.map { Double($0.values(rowCount)[position - 1]) }
                    let value = try Self.row(position - 1, of: policy, ours).withSpan {
                        policyLogits throws(AnalysisError) in
                        try Self.row(position - 1, of: reference, theirs).withSpan {
                            referenceLogits throws(AnalysisError) in
                            try look(index, position, policyLogits, referenceLogits, &rows)
                        }
                    }
                    values.append(value)
                }
                results.append((index, values))
                progress(counter.add(1))
            }
            return results
        }
        return results.joined().sorted { $0.text < $1.text }.map(\.values)
    }

    /// The error of logits that are not numbers.
    func invalidLogits(ofPolicy isPolicy: Bool, text: Int, position: Int) -> AnalysisError {
        .unsuitable(
            subject: "\((isPolicy ? policy : reference).identity.path): sequence \(text), token \(position)",
            found: "logits that are infinite or not numbers", expected: "finite logits")
    }

    private static func workspace(of model: LoadedModel, length: Int) -> Workspace {
        model.model.makeWorkspace(maximumTokenCount: length, maximumSequenceLength: length, forTraining: false)
    }

    private static func read(_ tokens: [Int32], _ model: LoadedModel, _ workspace: Workspace) {
        var batch = PackedBatch()
        batch.append(tokens)
        model.model.forward(batch, parameters: model.parameters, workspace: workspace)
    }

    private static func row(_ row: Int, of model: LoadedModel, _ workspace: Workspace) -> FloatSlice {
        let width = model.model.configuration.vocabularySize
        return workspace.logits[row * width..<(row + 1) * width]
    }
}

/// The log probabilities of two models at one token, [V] each, in double precision; used again for each token.
struct LogProbabilityRows: Sendable {
    /// V(s), what the policy's critic says before the token; nil without a critic.
    var policyValue: Double?
    private(set) var policy: [Double] = []
    private(set) var reference: [Double] = []

    /// Fills both rows from logits over the same tokens. Returns whether each holds numbers only.
    mutating func fill(
        policyLogits: Span<Float>, referenceLogits: Span<Float>, temperature: Float
    ) -> (isPolicyValid: Bool, isReferenceValid: Bool) {
        (
            Self.fill(&policy, policyLogits, temperature), Self.fill(&reference, referenceLogits, temperature)
        )
    }

    private static func fill(_ row: inout [Double], _ logits: Span<Float>, _ temperature: Float) -> Bool {
        if row.count != logits.count { row = Array(repeating: 0, count: logits.count) }
        var span = row.mutableSpan
        Divergence.logSoftmax(logits, temperature: temperature, into: &span)
        return !row.contains(where: \.isNaN)
    }

    /// The index of the greatest value, the first of equal ones.
    static func top(_ row: [Double]) -> Int {
        var best = 0
        for index in row.indices where row[index] > row[best] { best = index }
        return best
    }
}
