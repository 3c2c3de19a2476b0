internal import TensorCore

/// Counts elements that differ.
enum ChangedElements {
    /// How many runs of `width` bytes differ between two spans of the same length.
    static func bitwise(_ first: RawSpan, _ second: RawSpan, width: Int) -> Int {
        let count = min(first.byteCount, second.byteCount) / width
        return unsafe first.withUnsafeBytes { first in
            unsafe second.withUnsafeBytes { second in
                switch width {
                case 1: unsafe differing(first, second, count, UInt8.self)
                case 2: unsafe differing(first, second, count, UInt16.self)
                case 4: unsafe differing(first, second, count, UInt32.self)
                case 8: unsafe differing(first, second, count, UInt64.self)
                default:
                    (0..<count).count { block in
                        (block * width..<(block + 1) * width).contains { index in
                            unsafe first[index] != second[index]
                        }
                    }
                }
            }
        }
    }

    /// How many values differ once both are rounded to BFloat16; pairs with a NaN are left to ``bitwise``.
    static func asBFloat16(_ first: borrowing Span<Double>, _ second: borrowing Span<Double>) -> Int {
        var count = 0
        for index in 0..<min(first.count, second.count) {
            let pair = (first[index], second[index])
            if pair.0 == pair.1 || pair.0.isNaN || pair.1.isNaN { continue }
            count += BFloat16(Float(pair.0)) == BFloat16(Float(pair.1)) ? 0 : 1
        }
        return count
    }

    /// How many values differ; a NaN differs from every number and from no NaN.
    static func byValue(_ first: borrowing Span<Double>, _ second: borrowing Span<Double>) -> Int {
        var count = 0
        for index in 0..<min(first.count, second.count) {
            let pair = (first[index], second[index])
            count += pair.0 == pair.1 || (pair.0.isNaN && pair.1.isNaN) ? 0 : 1
        }
        return count
    }

    @unsafe
    private static func differing<Bits: FixedWidthInteger & BitwiseCopyable>(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ count: Int, _: Bits.Type
    ) -> Int {
        let width = MemoryLayout<Bits>.size
        var differing = 0
        for index in 0..<count {
            let pair = unsafe (
                first.loadUnaligned(fromByteOffset: index * width, as: Bits.self),
                second.loadUnaligned(fromByteOffset: index * width, as: Bits.self)
            )
            differing += pair.0 == pair.1 ? 0 : 1
        }
        return differing
    }
}
