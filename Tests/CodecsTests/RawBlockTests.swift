import Codecs
import TestSupport
import Testing

@Suite struct RawBlockTests {
    /// Noise, then bytes that can be compressed.
    func content(_ rawCount: Int, _ restCount: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: 3)
        return generator.bytes(rawCount) + generator.bytes(restCount).map { $0 & 3 }
    }

    func compress(_ bytes: [UInt8], storingFirst count: Int, capacity: Int, level: Int) throws -> [UInt8]? {
        var compressor = try ZstdCompressor.make(level: level, forcingLiteralCompression: true, windowLog: 16)
        var output = [UInt8](repeating: 0xEE, count: capacity)
        var span = output.mutableSpan
        var raw = unsafe span.mutableBytes
        let frameCount = try compressor.compress(unsafe bytes.span.bytes, storingFirst: count, into: &raw)
        return frameCount.map { Array(output.prefix($0)) }
    }

    @Test(arguments: [1, 63, 4096, 131_072, 131_073, 400_000], [1, 100, 131_072, 300_000])
    func theFrameIsAStandardOne(rawCount: Int, restCount: Int) throws {
        let bytes = content(rawCount, restCount)
        for level in [ZstdCompressor.leastLevel, 1] {
            let frame = try #require(
                try compress(bytes, storingFirst: rawCount, capacity: 2 * bytes.count + 100, level: level))
            #expect(try Zstd.decompress(unsafe frame.span.bytes, byteCount: bytes.count) == bytes)
            if restCount > 1000 { #expect(frame.count < rawCount + restCount / 2) }
        }
    }

    @Test func withoutRawBytesItIsThatOfTheLibrary() throws {
        let bytes = content(0, 1000)
        for count in [0, 1000, 2000] {
            let frame = try #require(try compress(bytes, storingFirst: count, capacity: 2000, level: 1))
            #expect(try Zstd.decompress(unsafe frame.span.bytes, byteCount: 1000) == bytes)
        }
    }

    @Test func aFrameThatDoesNotFitIsNone() throws {
        let bytes = content(5000, 5000)
        let whole = try #require(try compress(bytes, storingFirst: 5000, capacity: 20_000, level: 1))
        for capacity in [0, 1, 9, 12, 5011, 5012, 5013, 5020, whole.count - 1] {
            #expect(try compress(bytes, storingFirst: 5000, capacity: capacity, level: 1) == nil, "\(capacity)")
        }
    }

    @Test func entropyIsThatOfSingleBytes() {
        func bits(_ bytes: [UInt8]) -> Double { ByteEntropy.bits(of: unsafe bytes.span.bytes) }
        #expect(bits([]) == 0)
        #expect(bits([7, 7, 7, 7, 7]) == 0)
        #expect(bits([1, 2, 1, 2, 1, 2]) == 1)
        #expect(bits(Array(0...255) + Array(0...255)) == 8)
    }
}
