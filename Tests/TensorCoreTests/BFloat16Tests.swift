import TensorCore
import Testing

@Suite struct BFloat16Tests {
    /// Values and their bits.
    static let rounded: [(Float, UInt16)] = [
        (1, 0x3F80), (-0.0, 0x8000), (.infinity, 0x7F80), (-.infinity, 0xFF80),
        // Halfway: to even.
        (Float(bitPattern: 0x3F80_8000), 0x3F80), (Float(bitPattern: 0x3F81_8000), 0x3F82),
        // Just above and below halfway.
        (Float(bitPattern: 0x3F80_8001), 0x3F81), (Float(bitPattern: 0x3F81_7FFF), 0x3F81),
        // The largest finite float rounds to infinity.
        (.greatestFiniteMagnitude, 0x7F80),
    ]

    @Test(arguments: rounded)
    func roundsToNearestEven(value: Float, bits: UInt16) {
        #expect(BFloat16(value).bitPattern == bits)
    }

    @Test func everyValueComesBack() {
        for bits in UInt16.min ... .max {
            let value = Float(BFloat16(bitPattern: bits))
            if value.isNaN {
                // Quiet, with the payload that fits.
                #expect(BFloat16(value).bitPattern == bits | 64)
            } else if BFloat16(value).bitPattern != bits {
                Issue.record("\(bits) became \(BFloat16(value).bitPattern)")
            }
        }
    }
}
