public import Kernels
internal import LanguageModel
internal import Tasks

/// Compares policies with one reference on the same prompts.
public struct KLMeasurement: Sendable {
    /// What to compute.
    public struct Options: Sendable {
        /// The temperature of sampling and of both distributions.
        public var temperature: Float
        /// The exponent β of the penalty's weight; the paper's section 5.3 has 150.
        public var beta: Float
        /// The seed of problems and sampling.
        public var seed: UInt64
        /// How many of the most shifted tokens to list.
        public var shiftedTokenCount: Int
        /// How many tokens to show before and after each of them.
        public var shiftedContextLength: Int
        /// Whether the report holds every token; otherwise ``PolicyDivergence/sequences`` is empty.
        public var keepsTokens: Bool
        /// Whether models with different vocabularies are compared on the tokens that both have.
        public var allowsPartOfVocabulary: Bool

        /// Options with the paper's β.
        public init(
            temperature: Float = 1, beta: Float = 150, seed: UInt64 = 0, shiftedTokenCount: Int = 20,
            shiftedContextLength: Int = 30, keepsTokens: Bool = true, allowsPartOfVocabulary: Bool = false
        ) {
            self.temperature = temperature
            self.beta = beta
            self.seed = seed
            self.shiftedTokenCount = shiftedTokenCount
            self.shiftedContextLength = shiftedContextLength
            self.keepsTokens = keepsTokens
            self.allowsPartOfVocabulary = allowsPartOfVocabulary
        }
    }

    /// What is under way.
    public enum Stage: Sendable {
        /// A model writes texts.
        case writing
        /// Both models read them.
        case comparing
        /// Tokens of one model are replaced by the other's.
        case replacing
    }

    /// Called from any worker: a stage, how many of its texts are done, and how many there are.
    public typealias Progress = @Sendable (Stage, _ done: Int, _ total: Int) -> Void

    /// The model that policies are compared with.
    public let reference: LoadedModel
    /// What the models are compared on.
    public let input: KLInput
    /// Who writes the text.
    public let source: TextSource
    /// What to compute.
    public let options: Options
    let pool: WorkerPool
    let progress: Progress
    /// The texts of a source that does not depend on the policy.
    private let sharedSequences: [ScorableSequence]?

    /// Prepares a comparison; a reference that is to write the text does so here.
    ///
    /// - Throws: ``AnalysisError`` for options that do not fit together, prompts that the reference cannot take, naming
    ///   file, line and character, and logits that are not numbers.
    public init(
        reference: LoadedModel, input: KLInput, source: TextSource, options: Options = Options(), pool: WorkerPool,
        progress: @escaping Progress = { _, _, _ in }
    ) throws(AnalysisError) {
        guard options.temperature > 0, options.temperature.isFinite else {
            throw .unsuitable(
                subject: "temperature", found: "\(options.temperature)", expected: "a number above 0")
        }
        self.reference = reference
        self.input = input
        self.source = source
        self.options = options
        self.pool = pool
        self.progress = progress
        switch source {
        case .policySamples, .policyGreedy:
            if case .text(_, let name) = input {
                throw .unsuitable(subject: name, found: "a text to read", expected: "prompts, for a policy to continue")
            }
            sharedSequences = nil
        case .referenceSamples, .referenceGreedy:
            sharedSequences = try Self.written(
                by: reference, input, source, options, contextLength: reference.model.configuration.contextLength,
                pool: pool, progress: progress)
        case .truth:
            sharedSequences = try Self.given(by: input, reference, options)
        }
    }

    /// Compares one policy.
    ///
    /// - Throws: ``AnalysisError`` for a vocabulary that differs, prompts longer than the policy's context, and logits
    ///   that are not numbers.
    public func measure(_ policy: LoadedModel) throws(AnalysisError) -> PolicyDivergence {
        let alignment = VocabularyAlignment(policy: policy.tokenizer, reference: reference.tokenizer)
        try alignment.checkComparable(
            policy: policy.identity.path, reference: reference.identity.path,
            allowsPart: options.allowsPartOfVocabulary)
        let contexts = (
            policy.model.configuration.contextLength, reference.model.configuration.contextLength
        )
        let contextLength = min(contexts.0, contexts.1)
        var sequences: [ScorableSequence]
        if let sharedSequences {
            sequences = sharedSequences
        } else {
            sequences = try Self.written(
                by: policy, input, source, options, contextLength: contextLength, pool: pool, progress: progress)
            if !alignment.isIdentity {
                for (number, sequence) in sequences.enumerated() {
                    sequences[number] = try renumbered(sequence, number, alignment, policy)
                }
            }
        }
        if case .text = input {
            // Read in windows, which the shorter context decides.
            sequences = try Self.windows(of: Self.tokens(input, reference), contextLength: contextLength)
        } else if let longest = sequences.first(where: { $0.tokens.count > contextLength }) {
            throw .unsuitable(
                subject: "\(policy.identity.path): \(contextLength) positions",
                found: "a text of \(longest.tokens.count) tokens", expected: "texts that fit both models' contexts")
        }
        return try divergence(
            of: policy, sequences: sequences, alignment: alignment,
            sharedContextLength: contexts.0 == contexts.1 ? nil : contextLength)
    }

    /// The report of measured policies.
    public func report(_ policies: [PolicyDivergence]) -> KLReport {
        let isSampled = source == .policySamples || source == .referenceSamples
        let origin: TextOrigin
        let count = policies.first.map { $0.sequenceCount } ?? 0
        switch input {
        case .additions(let additions):
            origin = TextOrigin(
                kind: .task, name: "addition, \(additions.setup)", source: source, sequenceCount: count,
                seed: options.seed, trainedDigits: additions.trainedDigits)
        case .prompts(let file, _):
            origin = TextOrigin(
                kind: .prompts, name: file.name, source: source, sequenceCount: count,
                seed: isSampled ? options.seed : nil, trainedDigits: nil)
        case .text(_, let name):
            origin = TextOrigin(
                kind: .text, name: name, source: source, sequenceCount: count, seed: nil, trainedDigits: nil)
        }
        return KLReport(
            reference: reference.identity, text: origin, temperature: options.temperature, beta: options.beta,
            vocabularySize: reference.tokenizer.vocabulary.count, policies: policies)
    }

    // MARK: Figures

    private func divergence(
        of policy: LoadedModel, sequences: [ScorableSequence], alignment: VocabularyAlignment,
        sharedContextLength: Int?
    ) throws(AnalysisError) -> PolicyDivergence {
        let scorer = SequenceScorer(
            models: PairedModels(policy: policy, reference: reference), alignment: alignment,
            temperature: options.temperature, beta: options.beta)
        let (scored, masses) = try scorer.score(sequences, pool: pool) { progress(.comparing, $0, sequences.count) }
        guard let summary = KLSummary(scored.flatMap(\.tokens)) else {
            throw .unsuitable(subject: name, found: "no token to compare", expected: "at least one")
        }
        let outcomes = scored.compactMap(\.outcome)
        return PolicyDivergence(
            policy: policy.identity,
            vocabulary: alignment.isComplete
                ? nil
                : VocabularyDifference(
                    sharedCount: alignment.tokens.count, policyOnly: alignment.policyOnly,
                    referenceOnly: alignment.referenceOnly, policyExcludedMass: masses.policy,
                    referenceExcludedMass: masses.reference),
            sharedContextLength: sharedContextLength,
            sequenceCount: scored.count,
            summary: summary,
            klStandardErrorBySequence: MeanEstimate.clusteredStandardError(
                scored.map { $0.tokens.map(\.exactKLPolicyReference) }),
            classes: TokenClassSummary.all(of: scored, hasTask: isTask),
            positions: PositionSummary.all(of: scored, fromSequenceStart: isText),
            answers: outcomes.isEmpty
                ? nil
                : AnswerCounts(
                    total: outcomes.count, correct: outcomes.count { $0 == Outcome.correct.rawValue },
                    unfinished: outcomes.count { $0 == Outcome.unfinished.rawValue }),
            mostShifted: ShiftedToken.all(of: scored, options: options),
            crossSampling: nil,
            sequences: options.keepsTokens ? scored : [])
    }

    private var name: String {
        switch input {
        case .additions(let additions): "\(additions.setup)"
        case .prompts(let file, _): file.name
        case .text(_, let name): name
        }
    }

    private var isTask: Bool { if case .additions = input { true } else { false } }

    private var isText: Bool { if case .text = input { true } else { false } }

    private func renumbered(
        _ sequence: ScorableSequence, _ number: Int, _ alignment: VocabularyAlignment, _ policy: LoadedModel
    ) throws(AnalysisError) -> ScorableSequence {
        var tokens: [Int32] = []
        for token in sequence.tokens {
            guard let id = alignment.referenceID(token) else {
                throw .unsuitable(
                    subject: "\(policy.identity.path): sequence \(number)",
                    found: "\(policy.tokenizer.decode([token]).debugDescription), written by the policy",
                    expected: "tokens that \(reference.identity.path) has, or a text that the reference wrote")
            }
            tokens.append(id)
        }
        var critical: [Int: AdditionTask.LabelledToken] = [:]
        for (place, label) in sequence.critical {
            guard let id = alignment.referenceID(label.rightToken) else { continue }
            critical[place] = AdditionTask.LabelledToken(critical: label.critical, rightToken: id)
        }
        return ScorableSequence(
            tokens: tokens, scored: sequence.scored, critical: critical, places: sequence.places,
            outcome: sequence.outcome)
    }
}
