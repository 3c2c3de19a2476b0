import Codecs
import TestSupport
import Testing

@Suite struct LiteralEncoderTests {
    private func frame(
        _ bytes: [UInt8], storingFirst count: Int = 0, with encoder: inout LiteralEncoder
    ) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: LiteralEncoder.capacity(for: bytes.count))
        var span = output.mutableSpan
        var raw = unsafe span.mutableBytes
        guard let byteCount = encoder.compress(unsafe bytes.span.bytes, storingFirst: count, into: &raw) else {
            return nil
        }
        return Array(output.prefix(byteCount))
    }

    /// Bytes whose values halve in frequency, up to a number of values.
    private func skewed(_ count: Int, valueCount: Int, using generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in
            UInt8(min(UInt64.random(in: .min ... .max, using: &generator).leadingZeroBitCount, valueCount - 1))
        }
    }

    @Test func theLibraryReadsEveryFrame() throws {
        var generator = SeededGenerator(seed: 3)
        var encoder = try LiteralEncoder.make()
        for round in 0..<400 {
            let count = Int.random(in: 1...(round % 20 == 0 ? 200_000 : 3000), using: &generator)
            let valueCount = Int.random(in: 1...129, using: &generator)
            let bytes =
                round % 2 == 0
                ? skewed(count, valueCount: valueCount, using: &generator)
                : generator.bytes(count).map { UInt8(Int($0) % valueCount) }
            for rawCount in [0, count / 3, count] {
                let frame = try #require(frame(bytes, storingFirst: rawCount, with: &encoder))
                let decoded = try Zstd.decompress(unsafe frame.span.bytes, byteCount: count)
                #expect(decoded == bytes, "\(count) bytes, \(valueCount) values, \(rawCount) raw")
            }
        }
    }

    /// Without a limit, Fibonacci's numbers as frequencies make a code as long as there are values.
    @Test func codesAreNeverTooLong() throws {
        var counts = [1, 1]
        while counts.count < 22 { counts.append(counts[counts.count - 1] + counts[counts.count - 2]) }
        let bytes = counts.enumerated().flatMap { [UInt8](repeating: UInt8($0), count: $1) }
        var generator = SeededGenerator(seed: 4)
        var encoder = try LiteralEncoder.make()
        for bytes in [bytes, bytes.shuffled(using: &generator)] {
            let frame = try #require(frame(bytes, with: &encoder))
            #expect(try Zstd.decompress(unsafe frame.span.bytes, byteCount: bytes.count) == bytes)
        }
    }

    @Test func framesAreSmallerThanTheContentWhereTheyCanBe() throws {
        var generator = SeededGenerator(seed: 5)
        let bytes = skewed(1 << 18, valueCount: 40, using: &generator)
        var encoder = try LiteralEncoder.make()
        let own = try #require(frame(bytes, with: &encoder)).count
        let library = try Zstd.compress(
            unsafe bytes.span.bytes, level: ZstdCompressor.leastLevel, forcingLiteralCompression: true
        ).count
        #expect(own < bytes.count / 3)
        #expect(own < library + library / 100)
        // One value after the other, and what nothing can make smaller.
        #expect(try #require(frame([UInt8](repeating: 7, count: 1 << 18), with: &encoder)).count < 64)
        let random = generator.bytes(1 << 18).map { $0 & 0x7F }
        let coded = try #require(frame(random, with: &encoder))
        #expect(coded.count <= LiteralEncoder.capacity(for: random.count))
    }

    @Test func whatItDoesNotCodeIsRefused() throws {
        var encoder = try LiteralEncoder.make()
        var bytes = [UInt8](repeating: 5, count: 4096)
        bytes[4000] = 129
        #expect(frame(bytes, with: &encoder) == nil)
        // Stored as it is, any value is allowed.
        #expect(frame(bytes, storingFirst: 4001, with: &encoder) != nil)
        #expect(frame([], with: &encoder) == nil)
        #expect(frame([1], storingFirst: 2, with: &encoder) == nil)
        var output = [UInt8](repeating: 0, count: LiteralEncoder.capacity(for: bytes.count) - 1)
        var span = output.mutableSpan
        var raw = unsafe span.mutableBytes
        bytes[4000] = 128
        #expect(encoder.compress(unsafe bytes.span.bytes, into: &raw) == nil)
    }
}
