import TensorCore
import Testing

@Suite struct FloatElementsTests {
    private func decode(_ bytes: [UInt8], as dtype: DType, roundsOnce: Bool = false) -> [Float] {
        var values: [Float] = []
        unsafe FloatElements.decode(bytes.span.bytes, as: dtype, roundsOnce: roundsOnce, into: &values)
        return values
    }

    private func bytes<Value: FixedWidthInteger>(_ values: [Value]) -> [UInt8] {
        values.flatMap { value in (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    }

    @Test func everyHalfSurvives() throws {
        let patterns = (UInt16.min...UInt16.max).map(\.self)
        let values = decode(bytes(patterns), as: .f16)
        for (pattern, value) in zip(patterns, values) {
            #expect(value.halfBits == pattern)
            // The standard library's own type knows the same values.
            #expect(value == Float(Float16(bitPattern: pattern)) || value.isNaN)
        }
    }

    @Test func halvesAreRoundedAsTheStandardLibraryDoes() throws {
        // All exponents, and fractions at the ties of normal and subnormal halves.
        for exponent in UInt32(90)...150 {
            for fraction in [0, 1, 0xFFF, 0x1000, 0x1001, 0x2FFF, 0x3000, 0x3001, 0x7F_F000, 0x7F_FFFF, 0x12_3456] {
                for sign in [UInt32(0), 1 << 31] {
                    let value = Float(bitPattern: sign | exponent << 23 | UInt32(fraction))
                    #expect(value.halfBits == Float16(value).bitPattern, "\(value)")
                }
            }
        }
    }

    @Test func doublesAreRoundedOnce() throws {
        // Rounded to single precision first, each lies on a tie, or off one.
        let values: [Double] = [
            1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-11 - 0x1p-40, 1 + 0x1p-11, 1 + 3 * 0x1p-11 - 0x1p-50, 0x1p-25 + 0x1p-70,
            65519.999_999_999_9, -0x1p-25, 0x1p-1060, 0, -0.0,
        ]
        let encoded = decode(bytes(values.map(\.bitPattern)), as: .f64, roundsOnce: true).map(\.halfBits)
        let expected: [UInt16] = [0x3C01, 0x3C00, 0x3C00, 0x3C01, 0x0001, 0x7BFF, 0x8000, 0, 0, 0x8000]
        #expect(encoded == expected)
        #expect(decode(bytes([Double.greatestFiniteMagnitude.bitPattern]), as: .f64) == [.infinity])
        #expect(
            decode(bytes([Double.greatestFiniteMagnitude.bitPattern]), as: .f64, roundsOnce: true)[0].isFinite)
    }

    @Test func typesOfLessThanAByteAreExact() {
        let nibbles: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6]
        let packed: [UInt8] = [0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE]
        #expect(decode(packed, as: .f4).map(\.bitPattern) == nibbles.map(\.bitPattern))
        // Elements 1, 2, 3, 4 in the lowest bits first.
        let bytes: [UInt8] = [0x81, 0x30, 0x10]
        #expect(decode(bytes, as: .f6e2m3) == [0.125, 0.25, 0.375, 0.5])
        #expect(decode(bytes, as: .f6e3m2) == [0.0625, 0.125, 0.1875, 0.25])
        // The largest of each.
        #expect(decode([0x1F, 0, 0], as: .f6e2m3)[0] == 7.5)
        #expect(decode([0x1F, 0, 0], as: .f6e3m2)[0] == 28)
        #expect(decode([0, 127, 254, 255], as: .f8e8m0).prefix(3) == [0x1p-127, 1, 0x1p127])
    }

    @Test(arguments: FloatElements.encodableTypes)
    func encodingWhatWasDecodedGivesTheSameValues(dtype: DType) throws {
        let values = (0..<64).map { Float($0 * $0 % 61) * 0.25 - 7 }
        var (bytes, again): ([UInt8], [UInt8]) = ([], [])
        try FloatElements.encode(values, as: dtype, into: &bytes)
        #expect(bytes.count == 64 / dtype.block.elementCount * dtype.block.byteCount)
        let decoded = decode(bytes, as: dtype)
        try FloatElements.encode(decoded, as: dtype, into: &again)
        #expect(decode(again, as: dtype) == decoded)
        let step: Float = dtype == .q4_0 ? 1 : dtype == .q8_0 ? 0.07 : 0
        for (value, close) in zip(values, decoded) { #expect(abs(value - close) <= step) }
    }

    @Test func whatATypeCannotHoldIsNamed() throws {
        var bytes: [UInt8] = []
        var values = [Float](repeating: 1, count: 64)
        values[40] = 70_000
        var failure = #expect(throws: FloatElements.Failure.self) {
            try FloatElements.encode(values, as: .f16, into: &bytes)
        }
        #expect(failure?.index == 40)
        #expect(failure?.value == 70_000)
        try FloatElements.encode(values, as: .f16, allowsInfinities: true, into: &bytes)
        #expect(decode(bytes, as: .f16)[40] == .infinity)
        for value in [Float.nan, -.infinity] {
            values[40] = value
            try FloatElements.encode(values, as: .bf16, into: &bytes)
            for dtype in [DType.q8_0, .q4_0] {
                failure = #expect(throws: FloatElements.Failure.self) {
                    try FloatElements.encode(values, as: dtype, into: &bytes)
                }
                #expect(failure?.index == 40)
            }
        }
        // The scale would be infinite in half precision.
        values[40] = 1e9
        #expect(throws: FloatElements.Failure.self) { try FloatElements.encode(values, as: .q8_0, into: &bytes) }
        values[40] = .greatestFiniteMagnitude
        #expect(throws: FloatElements.Failure.self) { try FloatElements.encode(values, as: .bf16, into: &bytes) }
    }
}
