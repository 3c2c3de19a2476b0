/// What fine-tuning changed in a model's behaviour: the KL between policies and their reference, token by token.
public struct KLReport: Codable, Hashable, Sendable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    public static let currentSchemaVersion = 2

    /// ``currentSchemaVersion`` of the writer.
    public let schemaVersion: Int
    /// The model that the policies are compared with.
    public let reference: CheckpointIdentity
    /// Which text was compared, and who wrote it.
    public let text: TextOrigin
    /// The temperature of both distributions.
    public let temperature: Float
    /// The exponent β of ``TokenDivergence/penaltyWeight``.
    public let beta: Float
    /// V, the number of tokens of the reference.
    public let vocabularySize: Int
    /// One entry for each policy, in the order given: a series over training steps, say.
    public let policies: [PolicyDivergence]

    /// A report of measured policies.
    public init(
        reference: CheckpointIdentity, text: TextOrigin, temperature: Float, beta: Float, vocabularySize: Int,
        policies: [PolicyDivergence]
    ) {
        schemaVersion = Self.currentSchemaVersion
        self.reference = reference
        self.text = text
        self.temperature = temperature
        self.beta = beta
        self.vocabularySize = vocabularySize
        self.policies = policies
    }
    /// The policies of a series that could not be compared; nil where all could.
    public var leftOut: [UncomparedPolicy]?
    /// How the report stands to the limits that were set; nil where none was.
    public var limits: [LimitCheck]?
}

/// A policy that could not be compared with the reference.
public struct UncomparedPolicy: Codable, Hashable, Sendable {
    /// The checkpoint.
    public let path: String
    /// What does not fit: found and expected.
    public let reason: String

    /// A policy and what does not fit.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}

/// Which text a report is about.
public struct TextOrigin: Codable, Hashable, Sendable {
    /// What kind of text.
    public enum Kind: String, Codable, Hashable, Sendable {
        /// Additions with a scratchpad.
        case task
        /// Prompts from a file.
        case prompts
        /// A text that the models only read.
        case text
    }

    /// Additions, prompts or a text.
    public let kind: Kind
    /// The task's set-up, or the file's name.
    public let name: String
    /// Who wrote the tokens that are compared.
    public let source: TextSource
    /// The number of sequences.
    public let sequenceCount: Int
    /// The seed of problems and sampling; nil where nothing is drawn.
    public let seed: UInt64?
    /// The number of digits up to which tokens are not critical; nil outside of tasks.
    public let trainedDigits: Int?
}

/// Who wrote the tokens at which two models are compared.
public enum TextSource: String, CaseIterable, Codable, Hashable, Sendable {
    /// The policy, sampling at the report's temperature. What the KL penalty of RL is about.
    case policySamples = "policy-samples"
    /// The policy, always the likeliest token.
    case policyGreedy = "policy-greedy"
    /// The reference, sampling at the report's temperature.
    case referenceSamples = "reference-samples"
    /// The reference, always the likeliest token.
    case referenceGreedy = "reference-greedy"
    /// Nobody: the right answer or the given text, which both models read (teacher forcing).
    case truth
}

/// How far one policy's behaviour is from the reference's.
public struct PolicyDivergence: Codable, Hashable, Sendable {
    /// The fine-tuned model.
    public let policy: CheckpointIdentity
    /// The tokens that only one of the two models knows; nil where both know the same.
    public let vocabulary: VocabularyDifference?
    /// The shorter of the two models' contexts where they differ: nothing longer was compared.
    public let sharedContextLength: Int?
    /// The number of sequences that were compared.
    public let sequenceCount: Int
    /// All scored tokens.
    public let summary: KLSummary
    /// The standard error of the mean KL(policy ‖ reference) where the tokens of a sequence depend on each other; nil
    /// for fewer than two sequences.
    public let klStandardErrorBySequence: Double?
    /// The same figures by class of token.
    public let classes: [TokenClassSummary]
    /// The course over positions.
    public let positions: [PositionSummary]
    /// How the answers to a task ended; nil for other texts.
    public let answers: AnswerCounts?
    /// The tokens with the largest KL(policy ‖ reference), largest first.
    public let mostShifted: [ShiftedToken]
    /// What replacing the most shifted tokens does; nil where it was not asked for.
    public var crossSampling: [CrossSampling]?
    /// The sequences, token by token; empty where they were not asked for.
    public var sequences: [SequenceDivergence]
}

/// How the answers to a task ended.
public struct AnswerCounts: Codable, Hashable, Sendable {
    /// All answers.
    public let total: Int
    /// Those whose result is right.
    public let correct: Int
    /// Those that the length limit cut off.
    public let unfinished: Int
}

/// What two vocabularies do not share. Distributions are then compared over the shared tokens, both normalised anew.
public struct VocabularyDifference: Codable, Hashable, Sendable {
    /// The tokens that both know.
    public let sharedCount: Int
    /// The tokens that only the policy knows.
    public let policyOnly: [String]
    /// The tokens that only the reference knows.
    public let referenceOnly: [String]
    /// The mean probability that the policy gives to the tokens which the reference lacks.
    public var policyExcludedMass: Double
    /// The mean probability that the reference gives to the tokens which the policy lacks.
    public var referenceExcludedMass: Double
}

/// The figures of one class of tokens.
public struct TokenClassSummary: Codable, Hashable, Sendable {
    /// What tokens are told apart by.
    public enum Group: String, Codable, Hashable, Sendable, CaseIterable {
        /// Critical or not.
        case criticality
        /// Digits, commas, brackets.
        case character
        /// The part of the scratchpad.
        case part
        /// The step of the scratchpad.
        case step
    }

    /// What tokens are told apart by.
    public let group: Group
    /// The class: `critical`, `digit`, `operand 1`, `step 2`.
    public let name: String
    /// Its share of the sum of KL(policy ‖ reference) over all tokens, 0 … 1; 0 where that sum is 0.
    public let klShare: Double
    /// The figures of its tokens.
    public let summary: KLSummary
}

/// The figures of a range of positions.
public struct PositionSummary: Codable, Hashable, Sendable {
    /// The first position: tokens after the prompt from 0, in a text tokens after the window's start.
    public let first: Int
    /// The last position.
    public let last: Int
    /// The tokens there.
    public let tokenCount: Int
    /// The mean KL(policy ‖ reference).
    public let exactKLPolicyReference: MeanEstimate
    /// The share of tokens where both models have the same likeliest token.
    public let topAgreement: MeanEstimate
}

/// One sequence of a report.
public struct SequenceDivergence: Codable, Hashable, Sendable {
    /// The text before the first scored token.
    public let prompt: String
    /// The scored tokens.
    public var tokens: [TokenDivergence]
    /// How the answer ended: `correct`, `wrong` or `unfinished`; nil for a text.
    public let outcome: String?
}

/// A token with a large shift and what stands around it.
public struct ShiftedToken: Codable, Hashable, Sendable {
    /// The sequence, from 0.
    public let sequence: Int
    /// The text before the token.
    public let left: String
    /// The token.
    public let token: TokenDivergence
    /// The text after the token.
    public let right: String
}
