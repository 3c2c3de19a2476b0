#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension Double {
    /// e to this power.
    var exponential: Double { exp(self) }
}
