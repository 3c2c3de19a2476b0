#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// How far one next-token distribution is from another, in nats.
///
/// The RL loss and the reports call these same functions, so they cannot drift apart: the loss on rows of single
/// precision, the reports on rows of double precision. Rows are log probabilities over the vocabulary, [V]; sums run in
/// double precision in either case. `policy` is π_θ, `reference` the pre-trained π_old.
public enum Divergence {
    /// log softmax(logits / temperature), computed stably: [V] → [V].
    ///
    /// An infinite or NaN logit gives NaN, which the callers refuse by name.
    @_specialize(where Value == Float)
    @_specialize(where Value == Double)
    public static func logSoftmax<Value: LogProbability>(
        _ logits: Span<Float>, temperature: Float, into logProbs: inout MutableSpan<Value>
    ) {
        var maximum = -Float.infinity
        for index in logits.indices { maximum = max(maximum, logits[index]) }
        let scale = 1 / Value(temperature)
        var sum = 0.0
        for index in logits.indices {
            let shifted = (Value(logits[index]) - Value(maximum)) * scale
            logProbs[index] = shifted
            sum += Double(Value.exponential(shifted))
        }
        let logSum = Value(log(sum))
        for index in logits.indices { logProbs[index] -= logSum }
    }

    /// H(p) = −Σ p ln p of a row of log probabilities.
    @_specialize(where Value == Float)
    @_specialize(where Value == Double)
    public static func entropy<Value: LogProbability>(_ logProbs: Span<Value>) -> Value {
        var sum = 0.0
        for index in logProbs.indices {
            let probability = exp(Double(logProbs[index]))
            // p ln p tends to 0 with p; the product itself would be NaN.
            if probability != 0 { sum -= probability * Double(logProbs[index]) }
        }
        return Value(sum)
    }

    /// KL(p ‖ q) = Σ p (ln p − ln q), exact over the vocabulary. Infinite where q excludes what p allows.
    @_specialize(where Value == Float)
    @_specialize(where Value == Double)
    public static func exactKL<Value: LogProbability>(_ p: Span<Value>, _ q: Span<Value>) -> Value {
        var sum = 0.0
        for index in p.indices {
            let probability = exp(Double(p[index]))
            if probability != 0 { sum += probability * (Double(p[index]) - Double(q[index])) }
        }
        // Rounding can leave a tiny negative sum where the rows are almost equal; KL is never negative.
        return sum < 0 ? 0 : Value(sum)
    }

    /// The Jensen–Shannon divergence ½ KL(p ‖ m) + ½ KL(q ‖ m) with m = (p + q) / 2, exact over the vocabulary: 0 for
    /// equal rows, at most ln 2. Symmetric, and finite where either row excludes what the other allows.
    @_specialize(where Value == Float)
    @_specialize(where Value == Double)
    public static func jensenShannon<Value: LogProbability>(_ p: Span<Value>, _ q: Span<Value>) -> Value {
        var sum = 0.0
        for index in p.indices {
            let (logP, logQ) = (Double(p[index]), Double(q[index]))
            // ln m = ln p + ln(1 + q/p) − ln 2 from the greater of the two, so that nothing overflows.
            let (greater, lesser) = (max(logP, logQ), min(logP, logQ))
            guard greater > -.infinity else { continue }
            let logMean = greater + log1p(exp(lesser - greater)) - log(2.0)
            let (probabilityP, probabilityQ) = (exp(logP), exp(logQ))
            if probabilityP != 0 { sum += 0.5 * probabilityP * (logP - logMean) }
            if probabilityQ != 0 { sum += 0.5 * probabilityQ * (logQ - logMean) }
        }
        return sum < 0 ? 0 : Value(sum)
    }

    /// The place of an outcome among all, by falling probability: 1 for the likeliest; equals share the best place.
    @_specialize(where Value == Float)
    @_specialize(where Value == Double)
    public static func rank<Value: LogProbability>(of outcome: Int, in logProbs: Span<Value>) -> Int {
        var rank = 1
        for index in logProbs.indices where logProbs[index] > logProbs[outcome] { rank += 1 }
        return rank
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
