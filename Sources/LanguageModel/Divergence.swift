#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// How far one next-token distribution is from another, in nats.
///
/// The RL loss and the reports call these same functions, so they cannot drift apart. Rows are log
/// probabilities over the vocabulary, [V]; `policy` is π_θ, `reference` the pre-trained π_old.
public enum Divergence {
    /// log softmax(logits / temperature), computed stably: [V] → [V].
    ///
    /// An infinite or NaN logit gives NaN, which the callers refuse by name.
    public static func logSoftmax(
        _ logits: Span<Float>, temperature: Float, into logProbs: inout MutableSpan<Float>
    ) {
        var maximum = -Float.infinity
        for index in logits.indices { maximum = max(maximum, logits[index]) }
        let scale = 1 / temperature
        var sum = 0.0
        for index in logits.indices {
            let shifted = (logits[index] - maximum) * scale
            logProbs[index] = shifted
            sum += Double(exp(shifted))
        }
        let logSum = Float(log(sum))
        for index in logits.indices { logProbs[index] -= logSum }
    }

    /// H(p) = −Σ p ln p of a row of log probabilities.
    public static func entropy(_ logProbs: Span<Float>) -> Float {
        var sum = 0.0
        for index in logProbs.indices {
            let probability = exp(Double(logProbs[index]))
            // p ln p tends to 0 with p; the product itself would be NaN.
            if probability != 0 { sum -= probability * Double(logProbs[index]) }
        }
        return Float(sum)
    }

    /// KL(p ‖ q) = Σ p (ln p − ln q), exact over the vocabulary. Infinite where q excludes what p allows.
    public static func exactKL(_ p: Span<Float>, _ q: Span<Float>) -> Float {
        var sum = 0.0
        for index in p.indices {
            let probability = exp(Double(p[index]))
            if probability != 0 { sum += probability * (Double(p[index]) - Double(q[index])) }
        }
        // Rounding can leave a tiny negative sum where the rows are almost equal; KL is never negative.
        return sum < 0 ? 0 : Float(sum)
    }

    /// Adds scale · ∂H(π)/∂logits to `gradient`, where π = softmax(logits / temperature).
    ///
    /// ∂H/∂z_j = −π_j (ln π_j + H) / temperature.
    public static func addEntropyGradient(
        policy: Span<Float>, temperature: Float, scale: Float, into gradient: inout MutableSpan<Float>
    ) {
        let entropy = entropy(policy)
        let factor = -scale / temperature
        for index in policy.indices {
            let probability = exp(policy[index])
            if probability != 0 { gradient[index] += factor * probability * (policy[index] + entropy) }
        }
    }

    /// Adds scale · ∂ln π(action)/∂logits to `gradient`: scale · (1[j = action] − π_j) / temperature.
    public static func addLogProbGradient(
        policy: Span<Float>, action: Int, temperature: Float, scale: Float,
        into gradient: inout MutableSpan<Float>
    ) {
        let factor = scale / temperature
        for index in policy.indices { gradient[index] -= factor * exp(policy[index]) }
        gradient[action] += factor
    }
}
