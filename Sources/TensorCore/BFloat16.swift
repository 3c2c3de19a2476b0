/// A brain floating-point number: the upper half of a Float.
public struct BFloat16: Hashable, Sendable {
    /// Sign, 8 exponent bits, 7 fraction bits.
    public var bitPattern: UInt16

    /// Takes the bits as they are.
    @inlinable
    public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

    /// Rounds to nearest, ties to even; a NaN stays a NaN and keeps its upper payload bits, made quiet.
    @inlinable
    public init(_ value: Float) {
        let bits = value.bitPattern
        if value.isNaN {
            bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 64
        } else {
            let roundingBias = 0x7FFF + ((bits >> 16) & 1)
            bitPattern = UInt16(truncatingIfNeeded: (bits &+ roundingBias) >> 16)
        }
    }
}

extension Float {
    /// The exact value of a brain floating-point number.
    @inlinable
    public init(_ value: BFloat16) { self.init(bitPattern: UInt32(value.bitPattern) << 16) }
}
