/// What fine-tuning changed in a model's behaviour: the KL between policy and reference, token by token.
public struct KLReport: Codable, Hashable, Sendable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    public static let currentSchemaVersion = 1

    /// ``currentSchemaVersion`` of the writer.
    public let schemaVersion: Int
    /// The fine-tuned model.
    public let policy: CheckpointIdentity
    /// The model that it is compared with.
    public let reference: CheckpointIdentity
    /// Where the text comes from.
    public let text: TextOrigin
    /// The temperature of both distributions.
    public let temperature: Float
    /// The penalty that ``TokenDivergence/penaltyWeight`` shows.
    public let penalty: PenaltyDescription
    /// V, the number of tokens.
    public let vocabularySize: Int
    /// All scored tokens.
    public let summary: KLSummary
    /// The task's critical tokens; nil where there are none.
    public let criticalSummary: KLSummary?
    /// All other tokens; nil where there are none, or no task.
    public let nonCriticalSummary: KLSummary?
    /// The tokens with the largest KL(policy ‖ reference), largest first.
    public let mostShifted: [ShiftedToken]
    /// The sequences, token by token.
    public let sequences: [SequenceDivergence]
}

/// Where a report's text comes from.
public struct TextOrigin: Codable, Hashable, Sendable {
    /// What kind of text.
    public enum Kind: String, Codable, Hashable, Sendable {
        /// Answers of the policy to additions.
        case task
        /// A text that both models only read.
        case file
    }

    /// Answers or a text.
    public let kind: Kind
    /// The task's set-up, or the text's name.
    public let name: String
    /// The number of sequences.
    public let sequenceCount: Int
    /// The seed of prompts and sampling; nil for a text.
    public let seed: UInt64?
    /// The sampling temperature, 0 for greedy decoding; nil for a text.
    public let samplingTemperature: Float?
    /// The number of digits up to which tokens are not critical; nil for a text.
    public let trainedDigits: Int?
}

/// The penalty's weight in figures.
public struct PenaltyDescription: Codable, Hashable, Sendable {
    /// `standard`, `negentropy` or `maximumProbability`.
    public let certainty: String
    /// The exponent β; nil for the standard penalty.
    public let beta: Float?
    /// The intercept; nil for the standard penalty.
    public let intercept: Float?
}

/// Figures over many tokens, in nats.
public struct KLSummary: Codable, Hashable, Sendable {
    /// The tokens.
    public let tokenCount: Int
    /// KL(policy ‖ reference).
    public let exactKLPolicyReference: Distribution
    /// KL(reference ‖ policy).
    public let exactKLReferencePolicy: Distribution
    /// The mean of H(policy).
    public let meanPolicyEntropy: Double
    /// The mean of H(reference).
    public let meanReferenceEntropy: Double
    /// The mean of J(s).
    public let meanCertainty: Double
    /// The mean weight of the penalty.
    public let meanPenaltyWeight: Double
    /// The mean of k1, an estimate of KL(policy ‖ reference) where the policy drew the tokens.
    public let meanK1Estimate: Double
    /// The mean of k2.
    public let meanK2Estimate: Double
    /// The mean of k3.
    public let meanK3Estimate: Double
    /// The share of tokens where both models have the same likeliest token.
    public let topAgreement: Double

    /// Summarises tokens; nil where there are none.
    public init?(_ tokens: [TokenDivergence]) {
        guard let forward = Distribution(tokens.map { Double($0.exactKLPolicyReference) }),
            let backward = Distribution(tokens.map { Double($0.exactKLReferencePolicy) })
        else { return nil }
        func mean(_ value: (TokenDivergence) -> Float) -> Double {
            tokens.reduce(0) { $0 + Double(value($1)) } / Double(tokens.count)
        }
        tokenCount = tokens.count
        exactKLPolicyReference = forward
        exactKLReferencePolicy = backward
        meanPolicyEntropy = mean(\.policyEntropy)
        meanReferenceEntropy = mean(\.referenceEntropy)
        meanCertainty = mean(\.certainty)
        meanPenaltyWeight = mean(\.penaltyWeight)
        meanK1Estimate = mean(\.k1Estimate)
        meanK2Estimate = mean(\.k2Estimate)
        meanK3Estimate = mean(\.k3Estimate)
        topAgreement = Double(tokens.count(where: \.topAgrees)) / Double(tokens.count)
    }
}

/// One sequence of a report.
public struct SequenceDivergence: Codable, Hashable, Sendable {
    /// The text before the first scored token.
    public let prompt: String
    /// The scored tokens.
    public let tokens: [TokenDivergence]
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
