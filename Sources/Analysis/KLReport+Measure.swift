public import Kernels
public import LanguageModel
public import Tasks

extension KLReport {
    /// What to compute.
    public struct Options: Sendable {
        /// The temperature of both distributions; nil for that of sampling, or 1 where decoding is greedy and
        /// for a text.
        public var temperature: Float?
        /// The penalty whose weights are shown; the paper's section 5.3 has β = 150.
        public var penalty: PenaltyWeight
        /// How many of the most shifted tokens to list.
        public var shiftedTokenCount: Int
        /// How many tokens to show before and after each of them.
        public var shiftedContextLength: Int
        /// Whether the report holds every token; otherwise ``KLReport/sequences`` is empty.
        public var keepsTokens: Bool

        /// Options with the paper's penalty.
        public init(
            temperature: Float? = nil,
            penalty: PenaltyWeight = .prioritised(certainty: .negentropy, beta: 150, intercept: 0),
            shiftedTokenCount: Int = 20, shiftedContextLength: Int = 30, keepsTokens: Bool = true
        ) {
            self.temperature = temperature
            self.penalty = penalty
            self.shiftedTokenCount = shiftedTokenCount
            self.shiftedContextLength = shiftedContextLength
            self.keepsTokens = keepsTokens
        }
    }

    /// Additions that the policy answers.
    public struct Additions: Sendable {
        /// How many digits the operands have.
        public var setup: AdditionSetup
        /// The number of problems.
        public var count: Int
        /// The seed of problems and sampling.
        public var seed: UInt64
        /// The number of digits that pre-training showed: tokens beyond it are critical.
        public var trainedDigits: Int
        /// How the policy answers.
        public var sampling: SamplingOptions

        /// Additions of a set-up.
        public init(
            setup: AdditionSetup, count: Int, seed: UInt64, trainedDigits: Int, sampling: SamplingOptions
        ) {
            self.setup = setup
            self.count = count
            self.seed = seed
            self.trainedDigits = trainedDigits
            self.sampling = sampling
        }
    }

    /// Lets the policy answer additions and compares both models at every token of the answers.
    ///
    /// - Throws: ``AnalysisError`` for models with different vocabularies, a vocabulary that lacks a character
    ///   of the task, prompts longer than the context, and logits that are not numbers.
    public static func measure(
        policy: LoadedModel, reference: LoadedModel, additions: Additions, options: Options = Options(),
        pool: WorkerPool
    ) throws(AnalysisError) -> KLReport {
        try LoadedModel.checkVocabularies(policy: policy, reference: reference)
        let task = try policy.additionTask()
        let contextLength = contextLength(policy, reference)
        let digits = additions.setup.maximumDigits
        guard AdditionTask.maximumPromptLength(digits: digits) < contextLength else {
            throw .unsuitable(
                subject: "\(additions.setup)",
                found: "prompts of up to "
                    + "\(AdditionTask.maximumPromptLength(digits: digits)) tokens",
                expected: "fewer than \(contextLength), the models' context length")
        }
        let problems = additions.setup.problems(
            count: additions.count, key: RandomStream.Key(seed: additions.seed, purpose: .analysisPrompts))
        let prompts = problems.map { task.prompt(of: $0) }
        let limit = AdditionTask.episodeLengthLimit(digits: digits)
        let generator = Generator(model: policy.model, parameters: policy.parameters, pool: pool)
        let completions: [Completion]
        do throws(ModelError) {
            completions = try generator.generate(
                prompts.enumerated().map { index, prompt in
                    GenerationRequest(
                        prompt: prompt, sample: UInt64(index),
                        maximumNewTokenCount: min(limit, contextLength - prompt.count))
                },
                sampling: additions.sampling,
                stream: RandomStream.Key(seed: additions.seed, purpose: .analysisTokens),
                stop: { task.isComplete($0) })
        } catch {
            throw .model(error, subject: policy.identity.path)
        }
        let sequences = zip(problems, zip(prompts, completions)).map { problem, texts in
            let (prompt, completion) = texts
            let labels = task.criticalTokens(
                in: completion.tokens, of: problem, trainedDigits: additions.trainedDigits)
            return ScorableSequence(
                tokens: prompt + completion.tokens,
                scored: prompt.count..<(prompt.count + completion.tokens.count),
                critical: Dictionary(
                    labels.map { (prompt.count + $0.critical.position, $0) }, uniquingKeysWith: { first, _ in first }),
                outcome: task.outcome(of: completion.tokens, for: problem).rawValue)
        }
        let samplingTemperature = additions.sampling.temperature
        return try report(
            policy: policy, reference: reference, sequences: sequences,
            text: TextOrigin(
                kind: .task, name: "addition, \(additions.setup)", sequenceCount: sequences.count,
                seed: additions.seed, samplingTemperature: samplingTemperature,
                trainedDigits: additions.trainedDigits),
            temperature: options.temperature ?? (samplingTemperature > 0 ? samplingTemperature : 1),
            options: options, pool: pool)
    }

    /// Compares both models at every token of a text but the first.
    ///
    /// A text longer than the context is read in windows that start half a context apart, so that each token
    /// but those of the first window has at least half a context before it; each is scored once.
    ///
    /// - Parameter name: What the report and errors call the text, for example its file.
    /// - Throws: ``AnalysisError`` for models with different vocabularies, line and column of a character that
    ///   the vocabulary lacks, a text of fewer than two tokens, and logits that are not numbers.
    public static func measure(
        policy: LoadedModel, reference: LoadedModel, text: String, name: String, options: Options = Options(),
        pool: WorkerPool
    ) throws(AnalysisError) -> KLReport {
        try LoadedModel.checkVocabularies(policy: policy, reference: reference)
        let tokens: [Int32]
        do throws(ModelError) {
            tokens = try policy.tokenizer.encode(text)
        } catch {
            throw .model(error, subject: name)
        }
        guard tokens.count >= 2 else {
            throw .unsuitable(
                subject: name, found: "\(tokens.count) characters", expected: "at least 2: the first is only context")
        }
        let contextLength = contextLength(policy, reference)
        guard contextLength >= 2 else {
            throw .unsuitable(subject: "models", found: "a context of \(contextLength) token", expected: "at least 2")
        }
        let sequences = windows(of: tokens, contextLength: contextLength)
        return try report(
            policy: policy, reference: reference, sequences: sequences,
            text: TextOrigin(
                kind: .file, name: name, sequenceCount: sequences.count, seed: nil, samplingTemperature: nil,
                trainedDigits: nil),
            temperature: options.temperature ?? 1, options: options, pool: pool)
    }

    private static func contextLength(_ policy: LoadedModel, _ reference: LoadedModel) -> Int {
        min(policy.model.configuration.contextLength, reference.model.configuration.contextLength)
    }

    /// Overlapping windows of at least two tokens whose scored parts cover every token but the first, once.
    static func windows(of tokens: [Int32], contextLength length: Int) -> [ScorableSequence] {
        var windows: [ScorableSequence] = []
        var scoredEnd = 1
        while scoredEnd < tokens.count {
            let end = min(tokens.count, windows.isEmpty ? length : scoredEnd + (length - length / 2))
            let start = max(0, end - length)
            windows.append(
                ScorableSequence(tokens: Array(tokens[start..<end]), scored: (scoredEnd - start)..<(end - start)))
            scoredEnd = end
        }
        return windows
    }

    private static func report(
        policy: LoadedModel, reference: LoadedModel, sequences: [ScorableSequence], text: TextOrigin,
        temperature: Float, options: Options, pool: WorkerPool
    ) throws(AnalysisError) -> KLReport {
        guard temperature > 0, temperature.isFinite else {
            throw .unsuitable(subject: "temperature", found: "\(temperature)", expected: "a number above 0")
        }
        let scorer = SequenceScorer(
            policy: policy, reference: reference, temperature: temperature, penalty: options.penalty)
        let scored = try scorer.score(sequences, pool: pool)
        let tokens = scored.flatMap(\.tokens)
        guard let summary = KLSummary(tokens) else {
            throw .unsuitable(subject: text.name, found: "no token to score", expected: "at least one")
        }
        let hasTask = text.kind == .task
        return KLReport(
            schemaVersion: currentSchemaVersion,
            policy: policy.identity,
            reference: reference.identity,
            text: text,
            temperature: temperature,
            penalty: PenaltyDescription(options.penalty),
            vocabularySize: policy.tokenizer.vocabulary.count,
            summary: summary,
            criticalSummary: KLSummary(tokens.filter { $0.critical != nil }),
            nonCriticalSummary: hasTask ? KLSummary(tokens.filter { $0.critical == nil }) : nil,
            mostShifted: mostShifted(scored, options: options),
            sequences: options.keepsTokens ? scored : [])
    }

    /// The tokens with the largest KL(policy ‖ reference); the earlier of equal ones first.
    private static func mostShifted(_ sequences: [SequenceDivergence], options: Options) -> [ShiftedToken] {
        let places = sequences.indices.flatMap { sequence in
            sequences[sequence].tokens.indices.map { (sequence: sequence, token: $0) }
        }
        let ranked = places.sorted { first, second in
            let values = [first, second].map { sequences[$0.sequence].tokens[$0.token].exactKLPolicyReference }
            return values[0] == values[1]
                ? (first.sequence, first.token) < (second.sequence, second.token) : values[0] > values[1]
        }
        let length = max(0, options.shiftedContextLength)
        return ranked.prefix(max(0, options.shiftedTokenCount)).map { place in
            let sequence = sequences[place.sequence]
            let before = sequence.prompt + sequence.tokens[..<place.token].suffix(length).map(\.text).joined()
            let after = sequence.tokens[(place.token + 1)...].prefix(length).map(\.text).joined()
            return ShiftedToken(
                sequence: place.sequence, left: String(before.suffix(length)), token: sequence.tokens[place.token],
                right: after)
        }
    }
}

extension PenaltyDescription {
    /// The figures of a penalty.
    init(_ penalty: PenaltyWeight) {
        switch penalty {
        case .standard: self.init(certainty: "standard", beta: nil, intercept: nil)
        case .prioritised(.negentropy, let beta, let intercept):
            self.init(certainty: "negentropy", beta: beta, intercept: intercept)
        case .prioritised(.maximumProbability, let beta, let intercept):
            self.init(certainty: "maximumProbability", beta: beta, intercept: intercept)
        }
    }
}
