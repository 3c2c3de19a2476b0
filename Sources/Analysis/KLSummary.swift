internal import LanguageModel

/// Figures over many tokens, in nats, with standard errors that take tokens as independent, as llama.cpp's perplexity
/// tool does.
public struct KLSummary: Codable, Hashable, Sendable {
    /// The tokens.
    public let tokenCount: Int
    /// KL(policy ‖ reference).
    public let exactKLPolicyReference: Distribution
    /// KL(reference ‖ policy).
    public let exactKLReferencePolicy: Distribution
    /// The Jensen–Shannon divergence.
    public let jensenShannon: Distribution
    /// k1, whose mean estimates KL(policy ‖ reference) where the policy drew the tokens.
    public let k1Estimate: MeanEstimate
    /// k2.
    public let k2Estimate: MeanEstimate
    /// k3.
    public let k3Estimate: MeanEstimate
    /// Δp = policy(token) − reference(token).
    public let probabilityChange: Distribution
    /// √(mean Δp²).
    public let probabilityChangeRMS: MeanEstimate
    /// The share of tokens where both models have the same likeliest token.
    public let topAgreement: MeanEstimate
    /// How many places the token rose from reference to policy.
    public let rankChange: MeanEstimate
    /// H(policy).
    public let policyEntropy: MeanEstimate
    /// H(reference).
    public let referenceEntropy: MeanEstimate
    /// J(s) by equation 2.
    public let negentropyCertainty: MeanEstimate
    /// J(s) by the authors' code.
    public let maximumProbabilityCertainty: MeanEstimate
    /// J(s)^β by equation 2.
    public let negentropyWeight: MeanEstimate
    /// J(s)^β by the authors' code.
    public let maximumProbabilityWeight: MeanEstimate
    /// Both models' perplexities on the text, and their ratio.
    public let perplexity: PerplexityComparison

    /// Summarises tokens; nil where there are none.
    public init?(_ tokens: [TokenDivergence]) {
        func distribution(_ value: (TokenDivergence) -> Double) -> Distribution? { Distribution(tokens.map(value)) }
        func mean(_ value: (TokenDivergence) -> Double) -> MeanEstimate {
            MeanEstimate(tokens.map(value)) ?? MeanEstimate(mean: .nan, standardError: nil)
        }
        guard let forward = distribution(\.exactKLPolicyReference),
            let backward = distribution(\.exactKLReferencePolicy),
            let symmetric = distribution(\.jensenShannon), let change = distribution(\.probabilityChange),
            let perplexity = PerplexityComparison(
                policyLogProbs: tokens.map(\.policyLogProb), referenceLogProbs: tokens.map(\.referenceLogProb))
        else { return nil }
        tokenCount = tokens.count
        exactKLPolicyReference = forward
        exactKLReferencePolicy = backward
        jensenShannon = symmetric
        k1Estimate = mean(\.k1Estimate)
        k2Estimate = mean(\.k2Estimate)
        k3Estimate = mean(\.k3Estimate)
        probabilityChange = change
        let squares = mean { $0.probabilityChange * $0.probabilityChange }
        let root = squares.mean.squareRoot()
        // The square root's slope turns the error of the mean square into that of its root.
        probabilityChangeRMS = MeanEstimate(
            mean: root, standardError: root > 0 ? squares.standardError.map { $0 / (2 * root) } : squares.standardError)
        topAgreement = mean { $0.topAgrees ? 1 : 0 }
        rankChange = mean { Double($0.rankChange) }
        policyEntropy = mean(\.policyEntropy)
        referenceEntropy = mean(\.referenceEntropy)
        negentropyCertainty = mean(\.certainty.negentropy)
        maximumProbabilityCertainty = mean(\.certainty.maximumProbability)
        negentropyWeight = mean(\.penaltyWeight.negentropy)
        maximumProbabilityWeight = mean(\.penaltyWeight.maximumProbability)
        self.perplexity = perplexity
    }
}

/// The perplexities of two models on the same tokens.
public struct PerplexityComparison: Codable, Hashable, Sendable {
    /// exp(mean −ln policy(token)).
    public let policy: MeanEstimate
    /// exp(mean −ln reference(token)).
    public let reference: MeanEstimate
    /// ln of the policy's perplexity over the reference's. Its error is that of the paired differences.
    public let logRatio: MeanEstimate
    /// The policy's perplexity over the reference's.
    public let ratio: MeanEstimate
    /// The policy's perplexity less the reference's; its error takes their correlation into account.
    public let difference: MeanEstimate
    /// The correlation of the two models' log-perplexities, −1 … 1; nil where one of them does not vary.
    public let correlation: Double?

    /// Compares the log-probabilities of the same tokens, token by token; nil for none.
    init?(policyLogProbs: [Double], referenceLogProbs: [Double]) {
        let pairs = zip(policyLogProbs, referenceLogProbs)
        guard let ours = MeanEstimate(policyLogProbs.map(-)), let theirs = MeanEstimate(referenceLogProbs.map(-)),
            let logRatio = MeanEstimate(pairs.map { $1 - $0 })
        else { return nil }
        func exponential(_ estimate: MeanEstimate) -> MeanEstimate {
            let value = Double.exponential(estimate.mean)
            return MeanEstimate(mean: value, standardError: estimate.standardError.map { $0 * value })
        }
        policy = exponential(ours)
        reference = exponential(theirs)
        self.logRatio = logRatio
        ratio = exponential(logRatio)
        var differenceError: Double?
        if let ourError = ours.standardError, let theirError = theirs.standardError, let error = logRatio.standardError
        {
            let (ourVariance, theirVariance) = (ourError * ourError, theirError * theirError)
            // Var(x − y) = Var x + Var y − 2 Cov(x, y)
            let covariance = (ourVariance + theirVariance - error * error) / 2
            let product = ourError * theirError
            correlation = product > 0 ? max(-1, min(1, covariance / product)) : nil
            // p² Var x + r² Var y − 2 p r Cov(x, y) for perplexities p and r, written so that nothing cancels where both
            // are nearly equal.
            let (p, r) = (policy.mean, reference.mean)
            let variance = (p - r) * (p * ourVariance - r * theirVariance) + p * r * error * error
            differenceError = max(0, variance).squareRoot()
        } else {
            correlation = nil
        }
        difference = MeanEstimate(mean: policy.mean - reference.mean, standardError: differenceError)
    }
}
