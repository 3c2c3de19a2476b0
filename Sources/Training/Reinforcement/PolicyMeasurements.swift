import LanguageModel

/// Sums over states of what is always measured, whatever the penalty: entropy, KL in both directions and by
/// each estimator, the penalty's weight, how far rollout and forward pass are apart (rounding, if all is well), and the
/// probability of the right token at critical places.
struct PolicyMeasurements: Sendable {
    private var stateCount = 0
    private var entropy = 0.0
    /// In the order of the estimators' cases.
    private var estimates = Array(repeating: 0.0, count: KLEstimator.allCases.count)
    private var exactReferencePolicy = 0.0
    private var weight = 0.0
    private var rolloutError = 0.0
    /// By the paper's code's name: sum of probabilities and their number.
    private var critical: [String: (sum: Double, count: Int)] = [:]

    /// The names of the divergences' figures: direction, policy first for KL(policy ‖ reference), and estimator.
    static let divergenceNames =
        KLEstimator.allCases.map { "kl_policy_reference_\($0.rawValue)" } + ["kl_reference_policy_exact"]

    /// Measures one state.
    ///
    /// - Parameter rolloutLogProb: ln π(a|s) as the rollout computed it.
    mutating func add(
        policy: Span<Float>, reference: Span<Float>, action: Int, penaltyWeight: Float, rolloutLogProb: Float
    ) {
        stateCount += 1
        entropy += Double(Divergence.entropy(policy))
        for (index, estimator) in KLEstimator.allCases.enumerated() {
            estimates[index] += Double(estimator.value(policy: policy, reference: reference, action: action))
        }
        exactReferencePolicy += Double(Divergence.exactKL(reference, policy))
        weight += Double(penaltyWeight)
        rolloutError += Double(abs(policy[action] - rolloutLogProb))
    }

    /// Notes the policy's probability of the right token at a critical place.
    mutating func addCritical(_ name: String, probability: Double) {
        let (sum, count) = critical[name] ?? (0, 0)
        critical[name] = (sum + probability, count + 1)
    }

    /// Adds the sums of a later micro-shard.
    mutating func add(_ other: PolicyMeasurements) {
        stateCount += other.stateCount
        entropy += other.entropy
        for index in estimates.indices { estimates[index] += other.estimates[index] }
        exactReferencePolicy += other.exactReferencePolicy
        weight += other.weight
        rolloutError += other.rolloutError
        for (name, (sum, count)) in other.critical {
            let (oldSum, oldCount) = critical[name] ?? (0, 0)
            critical[name] = (oldSum + sum, oldCount + count)
        }
    }

    /// Adds the means over states.
    func addFigures(to record: inout MetricsRecord) {
        let count = Double(max(1, stateCount))
        record.add("entropy", entropy / count)
        for (name, sum) in zip(Self.divergenceNames, estimates + [exactReferencePolicy]) {
            record.add(name, sum / count)
        }
        record.add("penalty_weight", weight / count)
        record.add("rollout_log_prob_error", rolloutError / count)
        for kind in ["comma", "digit"] {
            let matching = critical.filter { $0.key.hasSuffix(kind) }.sorted { $0.key < $1.key }.map(\.value)
            let total = matching.reduce(0) { $0 + $1.count }
            guard total > 0 else { continue }
            record.add("critical_\(kind)_probability", matching.reduce(0) { $0 + $1.sum } / Double(total))
        }
        for (name, (sum, count)) in critical.sorted(by: { $0.key < $1.key }) {
            record.add("critical_probability/\(name)", sum / Double(count))
        }
    }
}
