#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The pre-trained policy's certainty J(s) about the next token, 0 (uniform) to 1 (one token only).
///
/// The paper and its authors' code differ, and β does not carry over between the two.
public enum Certainty: Hashable, Sendable {
    /// Equation 2: (ln V − H(π_old(·|s))) / ln V, the normalised negentropy at the sampling temperature.
    case negentropy
    /// The reference code: 1 + ln p_max / ln V of the softmax at a temperature of its own (4 there).
    case maximumProbability(temperature: Float)

    /// J(s) from the reference's logits, [V]; `temperature` is that of sampling, used by ``negentropy``.
    public func value(referenceLogits logits: Span<Float>, temperature: Float) -> Float {
        Float(preciseValue(referenceLogits: logits, temperature: temperature))
    }

    /// The same in double precision, for reports.
    public func preciseValue(referenceLogits logits: Span<Float>, temperature: Float) -> Double {
        var maximum = -Float.infinity
        for index in logits.indices { maximum = max(maximum, logits[index]) }
        let temperature =
            switch self {
            case .negentropy: temperature
            case .maximumProbability(let own): own
            }
        // With x = (z − max) / temperature and Z = Σ eˣ: H = ln Z − Σ x eˣ / Z, and ln p_max = −ln Z.
        var (sum, weighted) = (0.0, 0.0)
        for index in logits.indices {
            let shifted = (Double(logits[index]) - Double(maximum)) / Double(temperature)
            let exponential = exp(shifted)
            sum += exponential
            if exponential != 0 { weighted += shifted * exponential }
        }
        let logVocabulary = log(Double(logits.count))
        let certainty =
            switch self {
            case .negentropy: 1 - (log(sum) - weighted / sum) / logVocabulary
            case .maximumProbability: 1 - log(sum) / logVocabulary
            }
        // Rounding can step over the ends of the range by an ulp; a NaN passes through.
        return certainty < 0 ? 0 : certainty > 1 ? 1 : certainty
    }
}
