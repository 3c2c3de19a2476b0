internal import Kernels
internal import LanguageModel
internal import Tasks

extension KLMeasurement {
    /// Replaces the most shifted tokens of each model's answers by the other's choices, in both directions.
    ///
    /// Greedy throughout: the result depends on models, problems and their seed alone.
    ///
    /// - Parameter counts: How many tokens to replace, one series of answers each.
    /// - Throws: ``AnalysisError`` where the input is no task, which can be judged, and where the vocabularies differ.
    public func crossSample(_ policy: LoadedModel, counts: [Int]) throws(AnalysisError) -> [CrossSampling] {
        guard case .additions(let additions) = input else {
            throw .unsuitable(
                subject: "cross-sampling", found: "a text without right answers", expected: "additions (--digits)")
        }
        guard policy.tokenizer.vocabulary == reference.tokenizer.vocabulary else {
            throw .unsuitable(
                subject: "\(policy.identity.path): cross-sampling", found: "another vocabulary",
                expected: "the same tokens in the same order as in \(reference.identity.path)")
        }
        let task = try reference.additionTask()
        let problems = Self.problems(input, options)
        let contextLength = min(
            policy.model.configuration.contextLength, reference.model.configuration.contextLength)
        func answers(_ model: LoadedModel) throws(AnalysisError) -> [[Int32]] {
            try Self.additionCompletions(
                of: problems, by: model, task: task, digits: additions.setup.maximumDigits,
                contextLength: contextLength, sampling: .greedy,
                stream: RandomStream.Key(seed: options.seed, purpose: .analysisTokens), pool: pool,
                name: "\(additions.setup)", progress: progress)
        }
        let (ours, theirs) = (try answers(policy), try answers(reference))
        let limit = AdditionTask.episodeLengthLimit(digits: additions.setup.maximumDigits)
        let sampler = { (host: LoadedModel, donor: LoadedModel) in
            CrossSampler(
                models: PairedModels(policy: donor, reference: host), task: task, problems: problems,
                lengthLimit: limit, contextLength: contextLength, temperature: options.temperature,
                seed: options.seed, pool: pool)
        }
        let directions: [(CrossSampling.Direction, CrossSampler, host: [[Int32]], donor: [[Int32]])] = [
            (.policyIntoReference, sampler(reference, policy), host: theirs, donor: ours),
            (.referenceIntoPolicy, sampler(policy, reference), host: ours, donor: theirs),
        ]
        let wanted = Set(counts.filter { $0 > 0 }).sorted()
        var results: [CrossSampling] = []
        for (number, (direction, sampler, host, donor)) in directions.enumerated() {
            let shifts = try sampler.shifts(in: host, from: Array(repeating: 0, count: host.count))
            var points: [CrossSampling.Point] = []
            for (index, count) in wanted.enumerated() {
                points.append(try sampler.replace(count, in: host, shifts: shifts))
                progress(.replacing, number * wanted.count + index + 1, directions.count * wanted.count)
            }
            results.append(
                CrossSampling(
                    direction: direction, host: sampler.accuracy(of: host), donor: sampler.accuracy(of: donor),
                    points: points))
        }
        return results
    }
}

/// Answers of a host (the pair's reference) in which a donor (the pair's policy) replaces tokens.
private struct CrossSampler {
    let models: PairedModels
    let task: AdditionTask
    let problems: [AdditionProblem]
    let lengthLimit: Int
    let contextLength: Int
    let temperature: Float
    let seed: UInt64
    let pool: WorkerPool

    /// What the donor would do at a token.
    struct Shift: Sendable {
        /// KL(donor ‖ host).
        let divergence: Double
        /// The donor's likeliest token.
        let choice: Int32
    }

    func accuracy(of completions: [[Int32]]) -> Accuracy {
        Accuracy(
            zip(completions, problems).map { task.outcome(of: $0, for: $1) == .correct }, seed: seed)
    }

    /// The shifts at each answer's tokens from a place on.
    func shifts(in completions: [[Int32]], from places: [Int]) throws(AnalysisError) -> [[Shift]] {
        let texts = zip(problems, zip(completions, places)).map { problem, rest -> PairedModels.Text in
            let prompt = task.prompt(of: problem)
            let tokens = prompt + rest.0
            return PairedModels.Text(
                policyTokens: tokens, referenceTokens: tokens,
                scored: (prompt.count + min(rest.1, rest.0.count))..<tokens.count)
        }
        return try models.map(texts, pool: pool, progress: { _ in }) {
            text, position, donorLogits, hostLogits, rows throws(AnalysisError) in
            let valid = rows.fill(policyLogits: donorLogits, referenceLogits: hostLogits, temperature: temperature)
            guard valid.isPolicyValid, valid.isReferenceValid else {
                throw models.invalidLogits(ofPolicy: !valid.isPolicyValid, text: text, position: position)
            }
            return Shift(
                divergence: Divergence.exactKL(rows.policy.span, rows.reference.span),
                choice: Int32(LogProbabilityRows.top(rows.policy)))
        }
    }

    /// Replaces up to `count` tokens in each of the host's answers.
    ///
    /// - Parameter shifts: Those of the host's own answers.
    func replace(
        _ count: Int, in host: [[Int32]], shifts: [[Shift]]
    ) throws(AnalysisError) -> CrossSampling.Point {
        var answers = host
        var current = shifts
        /// Where in each answer ``current`` begins.
        var places = Array(repeating: 0, count: host.count)
        var replacements = places
        let thresholds = zip(host, shifts).map { answer, shifts -> Double? in
            let candidates = zip(answer, shifts).filter { $0 != $1.choice }.map(\.1.divergence).sorted(by: >)
            return candidates.isEmpty ? nil : candidates[min(count, candidates.count) - 1]
        }
        for _ in 0..<count {
            var rewritten: [Int] = []
            for index in answers.indices {
                guard replacements[index] < count, let threshold = thresholds[index] else { continue }
                let tail = answers[index][places[index]...]
                guard
                    let place = zip(tail.indices, zip(tail, current[index])).first(where: { _, pair in
                        pair.0 != pair.1.choice && pair.1.divergence >= threshold
                    })?.0
                else {
                    places[index] = answers[index].count
                    current[index] = []
                    continue
                }
                let choice = current[index][place - places[index]].choice
                answers[index] = Array(answers[index][..<place]) + [choice]
                replacements[index] += 1
                places[index] = place + 1
                current[index] = []
                rewritten.append(index)
            }
            guard !rewritten.isEmpty else { break }
            try continueAnswers(rewritten, &answers)
            let fresh = try subset(rewritten).shifts(
                in: rewritten.map { answers[$0] }, from: rewritten.map { places[$0] })
            for (index, shifts) in zip(rewritten, fresh) { current[index] = shifts }
        }
        return CrossSampling.Point(
            replacementLimit: count,
            meanReplacementCount: Double(replacements.reduce(0, +)) / Double(max(1, replacements.count)),
            accuracy: accuracy(of: answers))
    }

    /// The same for some of the problems.
    private func subset(_ indices: [Int]) -> CrossSampler {
        CrossSampler(
            models: models, task: task, problems: indices.map { problems[$0] }, lengthLimit: lengthLimit,
            contextLength: contextLength, temperature: temperature, seed: seed, pool: pool)
    }

    /// Lets the host go on with answers that end in a replaced token.
    private func continueAnswers(_ indices: [Int], _ answers: inout [[Int32]]) throws(AnalysisError) {
        var requests: [(index: Int, request: GenerationRequest)] = []
        for index in indices where !task.isComplete(answers[index]) {
            let text = task.prompt(of: problems[index]) + answers[index]
            let room = min(lengthLimit - answers[index].count, contextLength - text.count)
            guard room > 0 else { continue }
            requests.append(
                (index, GenerationRequest(prompt: text, sample: UInt64(index), maximumNewTokenCount: room)))
        }
        let host = models.reference
        do throws(ModelError) {
            let completions = try Generator(model: host.model, parameters: host.parameters, pool: pool).generate(
                requests.map(\.request), sampling: .greedy,
                stream: RandomStream.Key(seed: seed, purpose: .analysisTokens),
                stop: { task.isComplete($0) })
            for ((index, _), completion) in zip(requests, completions) {
                answers[index] = completed(answers[index] + completion.tokens)
            }
        } catch {
            throw .model(error, subject: host.identity.path)
        }
    }

    /// The answer up to where it is complete: a generator that starts inside of the result line does not see its end.
    private func completed(_ answer: [Int32]) -> [Int32] {
        for end in answer.indices.map({ $0 + 1 }) where task.isComplete(Array(answer[..<end])) {
            return Array(answer[..<end])
        }
        return answer
    }
}
