#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What a row of log probabilities is made of: single precision in training, double precision in reports.
public protocol LogProbability: BinaryFloatingPoint, Sendable {
    /// eˣ.
    static func exponential(_ exponent: Self) -> Self
    /// eˣ − 1, precise near 0.
    static func exponentialMinusOne(_ exponent: Self) -> Self
}

extension Float: LogProbability {
    /// eˣ.
    public static func exponential(_ exponent: Float) -> Float { exp(exponent) }
    /// eˣ − 1, precise near 0.
    public static func exponentialMinusOne(_ exponent: Float) -> Float { expm1(exponent) }
}

extension Double: LogProbability {
    /// eˣ.
    public static func exponential(_ exponent: Double) -> Double { exp(exponent) }
    /// eˣ − 1, precise near 0.
    public static func exponentialMinusOne(_ exponent: Double) -> Double { expm1(exponent) }
}
