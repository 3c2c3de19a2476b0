internal import LanguageModel
public import Tasks

/// How far policy and reference are apart at one token, in nats, in double precision from the models' logits.
///
/// Everything is about the distributions that the token was drawn from, at the report's temperature.
public struct TokenDivergence: Codable, Hashable, Sendable {
    /// The token's place in its sequence, the prompt included.
    public let position: Int
    /// The token's text.
    public let text: String
    /// KL(policy ‖ reference), exact over the vocabulary.
    public let exactKLPolicyReference: Double
    /// KL(reference ‖ policy), exact over the vocabulary.
    public let exactKLReferencePolicy: Double
    /// The Jensen–Shannon divergence, 0 … ln 2.
    public let jensenShannon: Double
    /// Schulman's k1 for KL(policy ‖ reference) from this token.
    public let k1Estimate: Double
    /// Schulman's k2 for KL(policy ‖ reference) from this token.
    public let k2Estimate: Double
    /// Schulman's k3 for KL(policy ‖ reference) from this token.
    public let k3Estimate: Double
    /// H(policy).
    public let policyEntropy: Double
    /// H(reference).
    public let referenceEntropy: Double
    /// The reference's certainty J(s), 0 … 1.
    public let certainty: CertaintyPair
    /// J(s)^β with the report's β: what the KL penalty is multiplied by.
    public let penaltyWeight: CertaintyPair
    /// ln policy(token).
    public let policyLogProb: Double
    /// ln reference(token).
    public let referenceLogProb: Double
    /// The token's place among all by the policy's probabilities, from 1.
    public let policyRank: Int
    /// The same by the reference's.
    public let referenceRank: Int
    /// The policy's likeliest token.
    public let policyTop: String
    /// The reference's likeliest token.
    public let referenceTop: String
    /// Whether both have the same likeliest token.
    public let topAgrees: Bool
    /// V(s), what the policy's critic expects before the token; nil without a critic and for texts that earn nothing.
    public let stateValue: Double?
    /// R − V(s) with R what the whole answer earned: the advantage of generalised advantage estimation with γ = λ = 1.
    /// Nil where ``stateValue`` is.
    public let advantage: Double?
    /// Where in a scratchpad the token stands; nil for other texts.
    public let place: ScratchpadPlace?
    /// Set where the task has a critical token here.
    public let critical: CriticalTokenLabel?

    /// policy(token) − reference(token).
    public var probabilityChange: Double { Double.exponential(policyLogProb) - Double.exponential(referenceLogProb) }

    /// How many places the token rose from reference to policy; negative where it fell.
    public var rankChange: Int { referenceRank - policyRank }
}

/// A figure by each of the two certainties of arXiv 2502.06533, between which β does not carry over.
public struct CertaintyPair: Codable, Hashable, Sendable {
    /// By equation 2: the normalised negentropy at the report's temperature.
    public let negentropy: Double
    /// By the authors' code: 1 + ln p_max / ln V of the softmax at temperature 4.
    public let maximumProbability: Double

    /// Both figures.
    public init(negentropy: Double, maximumProbability: Double) {
        self.negentropy = negentropy
        self.maximumProbability = maximumProbability
    }
}

/// A critical token of the task and how likely the right one is.
public struct CriticalTokenLabel: Codable, Hashable, Sendable {
    /// For example `step_1/operand_2/n+1_comma`.
    public let name: String
    /// The text of the right token.
    public let rightText: String
    /// ln policy(right token).
    public let policyLogProb: Double
    /// ln reference(right token).
    public let referenceLogProb: Double
}
