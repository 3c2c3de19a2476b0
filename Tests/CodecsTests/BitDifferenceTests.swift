import Codecs
import TestSupport
import Testing

@Suite struct BitDifferenceTests {
    /// Words of any bits, with every sign, NaN payload and boundary among them.
    static func words(_ width: Int, count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes = generator.bytes(width * count)
        let extremes: [UInt64] = [
            0, .max, 1, .max - 1, 1 << (8 * UInt64(width) - 1), (1 << (8 * UInt64(width) - 1)) - 1,
            0x7FC0_0001, 0xFF80_0000, 0x7F80_0000, 0x8000_0000,
        ]
        for index in 0..<count where index % 3 == 0 {
            let word = extremes[Int(generator.next() % UInt64(extremes.count))]
            for byte in 0..<width { bytes[index * width + byte] = UInt8(truncatingIfNeeded: word >> UInt64(8 * byte)) }
        }
        return bytes
    }

    @Test(arguments: BitDifference.widths, [0, 1, 7, 8, 9, 64, 1001])
    func anyBitPatternsComeBack(width: Int, count: Int) throws {
        let new = Self.words(width, count: count, seed: UInt64(count + 1))
        let old = Self.words(width, count: count, seed: UInt64(count + 2))
        var planes = [UInt8](repeating: 0, count: new.count)
        var words = old
        var planesSpan = planes.mutableSpan
        var planesBytes = unsafe planesSpan.mutableBytes
        try unsafe BitDifference.split(new.span.bytes, base: old.span.bytes, width: width, into: &planesBytes)
        var wordsSpan = words.mutableSpan
        var wordsBytes = unsafe wordsSpan.mutableBytes
        try BitDifference.join(planesBytes.bytes, width: width, ontoBase: &wordsBytes)
        #expect(words == new)
    }

    @Test(arguments: BitDifference.widths, [0, 1, 7, 8, 9, 64, 1001, 1024, 1025, 5000])
    func sparseDifferencesOfAnyBitPatternsComeBack(width: Int, count: Int) throws {
        for every in [1, 2, 9, 5000] {
            let old = Self.words(width, count: count, seed: UInt64(count + 3))
            var new = old
            let other = Self.words(width, count: count, seed: UInt64(count + 4))
            for index in stride(from: 0, to: count, by: every) {
                for byte in 0..<width { new[index * width + byte] = other[index * width + byte] }
            }
            var encoded = [UInt8](
                repeating: 0xAA, count: SparseDifference.maximumByteCount(wordCount: count, width: width))
            var span = encoded.mutableSpan
            var bytes = unsafe span.mutableBytes
            let used = try unsafe SparseDifference.encode(
                new.span.bytes, base: old.span.bytes, width: width, into: &bytes)
            encoded.removeLast(encoded.count - used)
            #expect(try decoded(encoded, width: width, onto: old) == new)
        }
    }

    @Test func smallStepsUpAndDownFillTheLowestPlane() throws {
        var planes = [UInt8](repeating: 9, count: 12)
        var span = planes.mutableSpan
        var bytes = unsafe span.mutableBytes
        let old: [UInt8] = [5, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        let new: [UInt8] = [4, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]
        try unsafe BitDifference.split(new.span.bytes, base: old.span.bytes, width: 4, into: &bytes)
        #expect(planes == [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func whatIsNoDifferenceIsNamed() throws {
        var words = [UInt8](repeating: 0, count: 6)
        var span = words.mutableSpan
        var bytes = unsafe span.mutableBytes
        #expect(throws: BytePlanes.Failure.width(3)) {
            try unsafe BitDifference.join([0, 0, 0, 0, 0, 0].span.bytes, width: 3, ontoBase: &bytes)
        }
        #expect(throws: BytePlanes.Failure.byteCount(6, width: 4)) {
            try unsafe BitDifference.join([0, 0, 0, 0, 0, 0].span.bytes, width: 4, ontoBase: &bytes)
        }
        #expect(throws: BytePlanes.Failure.byteCount(6, width: 2)) {
            try unsafe BitDifference.join([0, 0, 0, 0].span.bytes, width: 2, ontoBase: &bytes)
        }
    }

    @Test(arguments: [
        ([], SparseDifference.Failure.byteCount(found: 0, expected: 2)),
        ([1, 0], .byteCount(found: 2, expected: 4)),
        ([0, 0, 9, 9], .byteCount(found: 4, expected: 2)),
        ([0, 2, 9, 9], .mask),
        ([1, 0, 0, 0], .zero),
    ])
    func whatIsNoSparseDifferenceIsNamed(bytes: [UInt8], failure: SparseDifference.Failure) {
        #expect(throws: failure) { try decoded(bytes, width: 2, onto: [UInt8](repeating: 0, count: 18)) }
    }

    private func decoded(_ bytes: [UInt8], width: Int, onto base: [UInt8]) throws -> [UInt8] {
        var words = base
        var span = words.mutableSpan
        var target = unsafe span.mutableBytes
        try unsafe SparseDifference.decode(bytes.span.bytes, width: width, ontoBase: &target)
        return words
    }
}
