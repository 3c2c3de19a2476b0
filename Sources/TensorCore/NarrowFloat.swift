/// The floating-point types of eight bits or fewer: sign, exponent and fraction bits, and what stands for NaN.
package enum NarrowFloat {
    /// The values of all bit patterns, 256 or fewer, each exact also in single precision; empty for another type.
    package static func values(of dtype: DType) -> [Double] {
        switch dtype {
        // OCP FP8: E5M2 has infinities as IEEE 754, E4M3 only the NaNs S.1111.111.
        case .f8e5m2:
            table(bitCount: 8, fractionBits: 2, bias: 15) { magnitude in
                magnitude < 0x7C ? nil : magnitude == 0x7C ? .infinity : .nan
            }
        case .f8e4m3: table(bitCount: 8, fractionBits: 3, bias: 7) { $0 == 0x7F ? .nan : nil }
        // "FNUZ": no infinities, no negative zero; its bit pattern is the only NaN.
        case .f8e4m3fnuz: table(bitCount: 8, fractionBits: 3, bias: 8, negativeZero: .nan) { _ in nil }
        case .f8e5m2fnuz: table(bitCount: 8, fractionBits: 2, bias: 16, negativeZero: .nan) { _ in nil }
        // OCP MX scales: a power of two, no sign.
        case .f8e8m0: (0..<256).map { $0 == 255 ? .nan : scaled(1, by: $0 - 127) }
        // OCP MX elements: neither infinities nor NaN.
        case .f6e2m3: table(bitCount: 6, fractionBits: 3, bias: 1) { _ in nil }
        case .f6e3m2: table(bitCount: 6, fractionBits: 2, bias: 3) { _ in nil }
        case .f4: table(bitCount: 4, fractionBits: 1, bias: 1) { _ in nil }
        default: []
        }
    }

    private static func table(
        bitCount: Int, fractionBits: Int, bias: Int, negativeZero: Double = -0.0,
        special: (_ magnitude: Int) -> Double?
    ) -> [Double] {
        let signBit = 1 << (bitCount - 1)
        return (0..<1 << bitCount).map { pattern in
            let magnitude = pattern & (signBit - 1)
            if pattern == signBit { return negativeZero }
            let exponent = magnitude >> fractionBits
            let fraction = magnitude & (1 << fractionBits - 1)
            let value =
                special(magnitude)
                ?? (exponent == 0
                    ? scaled(fraction, by: 1 - bias - fractionBits)
                    : scaled(fraction | 1 << fractionBits, by: exponent - bias - fractionBits))
            return pattern & signBit == 0 ? value : -value
        }
    }

    /// significand · 2^exponent, exact.
    private static func scaled(_ significand: Int, by exponent: Int) -> Double {
        Double(sign: .plus, exponent: exponent, significand: Double(significand))
    }
}
