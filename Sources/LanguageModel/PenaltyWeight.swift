#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The weight of the KL penalty at a state: 1 (standard), or slope · J(s)^β + intercept (equation 1).
public enum PenaltyWeight: Hashable, Sendable {
    /// Every state counts the same.
    case standard
    /// States count by the reference's certainty; the paper has intercept 0, and slope = 1 − intercept.
    case prioritised(certainty: Certainty, beta: Float, intercept: Float)

    /// The weight at a state from the reference's logits, [V], and the temperature of sampling.
    public func value(referenceLogits: Span<Float>, temperature: Float) -> Float {
        Float(preciseValue(referenceLogits: referenceLogits, temperature: temperature))
    }

    /// The same in double precision, for reports.
    public func preciseValue(referenceLogits: Span<Float>, temperature: Float) -> Double {
        switch self {
        case .standard: return 1
        case .prioritised(let certainty, let beta, let intercept):
            let certainty = certainty.preciseValue(referenceLogits: referenceLogits, temperature: temperature)
            return (1 - Double(intercept)) * pow(certainty, Double(beta)) + Double(intercept)
        }
    }
}
