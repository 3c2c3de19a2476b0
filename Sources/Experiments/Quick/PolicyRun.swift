public import Analysis
public import Training

/// One fine-tuning run of the comparison, and what it led to.
public struct PolicyRun: Hashable, Codable, Sendable {
    /// Which penalty held the policy.
    public let penalty: PenaltyKind
    /// The run's seed.
    public let seed: UInt64
    /// The policy's checkpoint.
    public let checkpoint: String
    /// The checkpoint's size in bytes.
    public let byteCount: Int
    /// The digest of the policy's weights, hexadecimal.
    public let weightsDigest: String
    /// Whether the file was verified, every byte of it, after the run.
    public let isVerified: Bool
    /// Accuracy after fine-tuning.
    public let accuracies: AdditionAccuracies
    /// The figures of training, step by step.
    public let history: MetricsHistory
    /// KL between policy and reference over all tokens that the policy wrote on N+1 digits.
    public let divergence: KLSummary
    /// The same over the critical tokens alone; nil where there is none.
    public let criticalDivergence: KLSummary?
    /// How far the weights moved in all, relative to the reference's norm.
    public let relativeWeightChange: Double?
}

/// The two penalties that are compared.
public typealias PenaltyKind = FineTuningConfiguration.PenaltyKind

extension FineTuningConfiguration.PenaltyKind: Codable {}
