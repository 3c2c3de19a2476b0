#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// An estimate of KL(policy ‖ reference) at one state, in nats.
///
/// k1, k2 and k3 are Schulman's single-sample estimators (joschu.net/blog/kl-approx.html) for an action drawn
/// from the policy; with r = reference(a) / policy(a): k1 = −ln r, k2 = ½ (ln r)², k3 = (r − 1) − ln r.
/// As a loss they differ: k1's expected gradient is zero, k2's is that of KL(policy ‖ reference) on-policy,
/// k3's follows KL(reference ‖ policy). `exact` sums over the vocabulary.
public enum KLEstimator: String, CaseIterable, Codable, Hashable, Sendable {
    case k1, k2, k3, exact

    /// The estimate at one state. `policy` and `reference` are rows of log probabilities, [V].
    @_specialize(where Value == Float)
    @_specialize(where Value == Double)
    public func value<Value: LogProbability>(policy: Span<Value>, reference: Span<Value>, action: Int) -> Value {
        // ln π(a) − ln π_old(a) = −ln r
        let logRatio = policy[action] - reference[action]
        switch self {
        case .k1: return logRatio
        case .k2: return logRatio * logRatio / 2
        case .k3: return Value.exponentialMinusOne(-logRatio) + logRatio
        case .exact: return Divergence.exactKL(policy, reference)
        }
    }

    /// Adds scale · ∂value/∂logits to `gradient`, where policy = log softmax(logits / temperature).
    public func addGradient(
        policy: Span<Float>, reference: Span<Float>, action: Int, temperature: Float, scale: Float,
        into gradient: inout MutableSpan<Float>
    ) {
        let logRatio = policy[action] - reference[action]
        let slope: Float
        switch self {
        case .k1: slope = 1
        case .k2: slope = logRatio
        case .k3: slope = -expm1(-logRatio)
        case .exact:
            // ∂KL/∂z_j = π_j (ln π_j − ln ρ_j − KL) / temperature
            let divergence = Divergence.exactKL(policy, reference)
            let factor = scale / temperature
            for index in policy.indices {
                let probability = exp(policy[index])
                if probability != 0 {
                    gradient[index] += factor * probability * (policy[index] - reference[index] - divergence)
                }
            }
            return
        }
        Divergence.addLogProbGradient(
            policy: policy, action: action, temperature: temperature, scale: scale * slope, into: &gradient)
    }
}
