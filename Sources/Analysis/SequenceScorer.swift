internal import Kernels
internal import LanguageModel
internal import Tasks

/// A sequence and which of its tokens are to be scored.
struct ScorableSequence: Sendable {
    /// The tokens, at most as many as both models have positions.
    let tokens: [Int32]
    /// The tokens to score; each has one before it.
    let scored: Range<Int>
    /// Critical tokens by their place in ``tokens``.
    var critical: [Int: AdditionTask.LabelledToken] = [:]
    /// How the answer ended; nil for a text.
    var outcome: String?
}

/// Runs both models over sequences and compares their distributions token by token.
struct SequenceScorer: Sendable {
    let policy: LoadedModel
    let reference: LoadedModel
    let temperature: Float
    let penalty: PenaltyWeight

    /// The divergences of each sequence, in order.
    ///
    /// - Throws: ``AnalysisError`` naming a model whose logits are not numbers.
    func score(_ sequences: [ScorableSequence], pool: WorkerPool) throws(AnalysisError) -> [SequenceDivergence] {
        let length = max(1, sequences.lazy.map(\.tokens.count).max() ?? 1)
        let workspaces = (0..<max(1, min(pool.workerCount, sequences.count))).map { _ in
            (
                policy: Self.workspace(of: policy, length: length),
                reference: Self.workspace(of: reference, length: length)
            )
        }
        // One task a worker, so that each has its own workspaces; sequences in turn, so that all have as many.
        let scored = try pool.results(taskCount: workspaces.count) { task throws(AnalysisError) in
            var results: [(sequence: Int, divergence: SequenceDivergence)] = []
            for index in stride(from: task, to: sequences.count, by: workspaces.count) {
                let divergence = try score(
                    sequences[index], number: index, policy: workspaces[task].policy,
                    reference: workspaces[task].reference)
                results.append((index, divergence))
            }
            return results
        }
        return scored.joined().sorted { $0.sequence < $1.sequence }.map(\.divergence)
    }

    private static func workspace(of model: LoadedModel, length: Int) -> Workspace {
        model.model.makeWorkspace(maximumTokenCount: length, maximumSequenceLength: length, forTraining: false)
    }

    private func score(
        _ sequence: ScorableSequence, number: Int, policy policyWorkspace: Workspace,
        reference referenceWorkspace: Workspace
    ) throws(AnalysisError) -> SequenceDivergence {
        var batch = PackedBatch()
        batch.append(sequence.tokens)
        policy.model.forward(batch, parameters: policy.parameters, workspace: policyWorkspace)
        reference.model.forward(batch, parameters: reference.parameters, workspace: referenceWorkspace)
        let size = policy.tokenizer.vocabulary.count
        var rows = RowPair(size: size)
        var tokens: [TokenDivergence] = []
        tokens.reserveCapacity(sequence.scored.count)
        for position in sequence.scored {
            // The distribution of a token is what the models say at the token before it.
            let row = (position - 1) * size..<position * size
            let token = Int(sequence.tokens[position])
            let label = sequence.critical[position]
            guard
                let divergence = policyWorkspace.logits[row].withSpan({ policyLogits in
                    referenceWorkspace.logits[row].withSpan { referenceLogits in
                        rows.compare(
                            policyLogits: policyLogits, referenceLogits: referenceLogits, scorer: self,
                            token: token, position: position, label: label)
                    }
                })
            else {
                let culprit = rows.policy.contains(where: \.isNaN) ? policy : reference
                throw .unsuitable(
                    subject: "\(culprit.identity.path): sequence \(number), token \(position)",
                    found: "logits that are infinite or not numbers", expected: "finite logits")
            }
            tokens.append(divergence)
        }
        return SequenceDivergence(
            prompt: policy.tokenizer.decode(sequence.tokens[..<sequence.scored.lowerBound]), tokens: tokens,
            outcome: sequence.outcome)
    }
}

/// The log probabilities of both models at one token, [V] each.
private struct RowPair {
    private(set) var policy: [Float]
    private(set) var reference: [Float]

    init(size: Int) {
        policy = Array(repeating: 0, count: size)
        reference = policy
    }

    /// All figures of one token; nil where log probabilities are not numbers.
    mutating func compare(
        policyLogits: Span<Float>, referenceLogits: Span<Float>, scorer: SequenceScorer, token: Int, position: Int,
        label: AdditionTask.LabelledToken?
    ) -> TokenDivergence? {
        var policyRow = policy.mutableSpan
        Divergence.logSoftmax(policyLogits, temperature: scorer.temperature, into: &policyRow)
        var referenceRow = reference.mutableSpan
        Divergence.logSoftmax(referenceLogits, temperature: scorer.temperature, into: &referenceRow)
        guard let policyTop = Self.top(policy), let referenceTop = Self.top(reference) else { return nil }
        let vocabulary = scorer.policy.tokenizer.vocabulary
        func estimate(_ estimator: KLEstimator) -> Float {
            estimator.value(policy: policy.span, reference: reference.span, action: token)
        }
        return TokenDivergence(
            position: position,
            text: vocabulary[token],
            exactKLPolicyReference: Divergence.exactKL(policy.span, reference.span),
            exactKLReferencePolicy: Divergence.exactKL(reference.span, policy.span),
            policyEntropy: Divergence.entropy(policy.span),
            referenceEntropy: Divergence.entropy(reference.span),
            certainty: Certainty.negentropy.value(
                referenceLogits: referenceLogits, temperature: scorer.temperature),
            penaltyWeight: scorer.penalty.value(referenceLogits: referenceLogits, temperature: scorer.temperature),
            policyLogProb: policy[token],
            referenceLogProb: reference[token],
            k1Estimate: estimate(.k1),
            k2Estimate: estimate(.k2),
            k3Estimate: estimate(.k3),
            policyTop: vocabulary[policyTop],
            referenceTop: vocabulary[referenceTop],
            topAgrees: policyTop == referenceTop,
            critical: label.map { label in
                let right = Int(label.rightToken)
                return CriticalTokenLabel(
                    name: label.critical.name, rightText: vocabulary[right], policyLogProb: policy[right],
                    referenceLogProb: reference[right])
            })
    }

    /// The index of the greatest value, the first of equal ones; nil where one is not a number.
    private static func top(_ row: [Float]) -> Int? {
        var best = 0
        for index in row.indices {
            if row[index].isNaN { return nil }
            if row[index] > row[best] { best = index }
        }
        return best
    }
}
