// Half precision in integer arithmetic: Float16 has no hardware conversion on every CPU we run on, and what becomes
// of a NaN is then the same everywhere.

extension Float {
    /// The exact value of a half-precision number; a NaN keeps its payload.
    @inlinable
    package init(halfBits bits: UInt16) {
        let magnitude = UInt32(bits & 0x7FFF) << 13
        let sign = UInt32(bits & 0x8000) << 16
        // Infinity and NaN keep their fraction and get single precision's largest exponent; the exponent of all
        // others is shifted, which is exact for subnormal ones as well.
        let isSpecial = bits & 0x7C00 == 0x7C00
        let scaled = isSpecial ? Float(bitPattern: magnitude | 0x7F80_0000) : Float(bitPattern: magnitude) * 0x1p112
        self.init(bitPattern: scaled.bitPattern | sign)
    }

    /// The half-precision number that is nearest, ties to even: an infinity from 65520 on. A NaN stays a NaN and
    /// keeps its upper payload bits, as NumPy does it.
    @inlinable
    package var halfBits: UInt16 {
        let sign = UInt16(truncatingIfNeeded: bitPattern >> 16) & 0x8000
        let magnitude = bitPattern & 0x7FFF_FFFF
        if magnitude > 0x7F80_0000 {
            let payload = UInt16(truncatingIfNeeded: magnitude >> 13) & 0x3FF
            return sign | 0x7C00 | max(payload, 1)
        }
        if magnitude >= 0x477F_F000 { return sign | 0x7C00 }
        if magnitude < 0x3880_0000 {
            // The unit of the last place of 0.5 is that of half precision's subnormal numbers.
            let aligned = Float(bitPattern: magnitude) + 0.5
            return sign | UInt16(truncatingIfNeeded: aligned.bitPattern &- 0x3F00_0000)
        }
        let roundingBias = 0xFFF + (magnitude >> 13 & 1)
        return sign | UInt16(truncatingIfNeeded: (magnitude &- 0x3800_0000 &+ roundingBias) >> 13)
    }

    /// A double rounded so that rounding the result once more to 22 bits or fewer gives what rounding the double
    /// at once gives: what is not exact gets an odd last bit ("round to odd").
    @inlinable
    package init(roundingToOdd value: Double) {
        let nearest = Float(value)
        guard Double(nearest) != value, !value.isNaN else {
            self = nearest
            return
        }
        // Towards zero first; an infinity comes from a finite double here.
        let isAway = nearest.magnitude.isInfinite || Double(nearest.magnitude) > value.magnitude
        self.init(bitPattern: (isAway ? nearest.bitPattern &- 1 : nearest.bitPattern) | 1)
    }
}
