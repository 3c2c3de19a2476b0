/// How far policy and reference are apart at one token, in nats.
///
/// Everything is about the distributions that the token was drawn from, at the report's temperature.
public struct TokenDivergence: Codable, Hashable, Sendable {
    /// The token's place in its sequence, the prompt included.
    public let position: Int
    /// The token's text.
    public let text: String
    /// KL(policy ‖ reference), exact over the vocabulary.
    public let exactKLPolicyReference: Float
    /// KL(reference ‖ policy), exact over the vocabulary.
    public let exactKLReferencePolicy: Float
    /// H(policy).
    public let policyEntropy: Float
    /// H(reference).
    public let referenceEntropy: Float
    /// J(s), equation 2: the reference's normalised negentropy, 0...1.
    public let certainty: Float
    /// The weight of the KL penalty here, as the report's penalty has it.
    public let penaltyWeight: Float
    /// ln policy(token).
    public let policyLogProb: Float
    /// ln reference(token).
    public let referenceLogProb: Float
    /// Schulman's k1 for KL(policy ‖ reference) from this token.
    public let k1Estimate: Float
    /// Schulman's k2 for KL(policy ‖ reference) from this token.
    public let k2Estimate: Float
    /// Schulman's k3 for KL(policy ‖ reference) from this token.
    public let k3Estimate: Float
    /// The policy's likeliest token.
    public let policyTop: String
    /// The reference's likeliest token.
    public let referenceTop: String
    /// Whether both have the same likeliest token.
    public let topAgrees: Bool
    /// Set where the task has a critical token here.
    public let critical: CriticalTokenLabel?
}

/// A critical token of the task and how likely the right one is.
public struct CriticalTokenLabel: Codable, Hashable, Sendable {
    /// For example `step_1/operand_2/n+1_comma`.
    public let name: String
    /// The text of the right token.
    public let rightText: String
    /// ln policy(right token).
    public let policyLogProb: Float
    /// ln reference(right token).
    public let referenceLogProb: Float
}
