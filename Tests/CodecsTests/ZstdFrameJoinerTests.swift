import Codecs
import TestSupport
import Testing

@Suite struct ZstdFrameJoinerTests {
    /// How a part gets into the frame.
    enum Part: CaseIterable {
        case stored, literals, libraryLiterals, matches
    }

    /// Bytes that suit the way: noise, few values below 128, few values of any size, text that repeats itself.
    private func content(_ part: Part, _ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        switch part {
        case .stored: return generator.bytes(count)
        case .literals: return generator.bytes(count).map { $0 & 7 }
        case .libraryLiterals: return generator.bytes(count).map { $0 | 0xF0 }
        case .matches:
            let words = (0..<20).map { _ in generator.bytes(9) }
            var bytes: [UInt8] = []
            while bytes.count < count { bytes += words[Int(generator.next() % 20)] }
            return Array(bytes.prefix(count))
        }
    }

    private func frame(_ parts: [(Part, [UInt8])], capacity: Int? = nil) throws -> [UInt8]? {
        var literals = try LiteralEncoder.make()
        var library = try ZstdCompressor.make(
            level: ZstdCompressor.leastLevel, forcingLiteralCompression: true, windowLog: 16)
        var matches = try ZstdCompressor.make(level: 1)
        let byteCount = parts.reduce(0) { $0 + $1.1.count }
        var output = [UInt8](repeating: 0xEE, count: capacity ?? 2 * byteCount + 1000)
        var span = output.mutableSpan
        var bytes = unsafe span.mutableBytes
        var joiner = ZstdFrameJoiner()
        for (part, content) in parts {
            let isWhole =
                switch part {
                case .stored: joiner.store(unsafe content.span.bytes, into: &bytes)
                case .literals: joiner.append(into: &bytes) { literals.compress(unsafe content.span.bytes, into: &$0) }
                case .libraryLiterals:
                    try joiner.append(into: &bytes) { output throws(ZstdError) in
                        try library.compress(unsafe content.span.bytes, into: &output)
                    }
                case .matches:
                    try joiner.append(into: &bytes) { output throws(ZstdError) in
                        try matches.compress(unsafe content.span.bytes, into: &output)
                    }
                }
            guard isWhole else { return nil }
        }
        return joiner.finish(contentByteCount: byteCount, in: &bytes).map { Array(output.prefix($0)) }
    }

    @Test(arguments: [1, 63, 300, 4096, 70_000, 300_000])
    func theFrameIsAStandardOne(count: Int) throws {
        var generator = SeededGenerator(seed: UInt64(count))
        let orders: [[Part]] = [
            [.stored, .literals, .libraryLiterals, .matches], [.literals, .stored, .literals, .matches, .stored],
            [.matches, .literals, .stored, .libraryLiterals], [.libraryLiterals], [.stored], [.literals], [.matches],
        ]
        for order in orders {
            let parts = order.map { ($0, content($0, count, &generator)) }
            let bytes = parts.flatMap(\.1)
            let joined = try #require(try frame(parts), "\(order)")
            #expect(try Zstd.decompress(unsafe joined.span.bytes, byteCount: bytes.count) == bytes, "\(order)")
            if count > 4000, !order.contains(.stored) { #expect(joined.count < bytes.count * 2 / 3) }
        }
    }

    /// Offsets that are repeated would not be those of the part's own past.
    @Test func oneMayHaveRepetitions() throws {
        var generator = SeededGenerator(seed: 9)
        let parts = [Part.matches, .literals, .matches].map { ($0, content($0, 5000, &generator)) }
        #expect(try frame(parts) == nil)
    }

    @Test func whatDoesNotFitIsNone() throws {
        var generator = SeededGenerator(seed: 10)
        let parts = [Part.stored, .libraryLiterals, .matches].map { ($0, content($0, 3000, &generator)) }
        let whole = try #require(try frame(parts))
        for capacity in [0, 1, 8, 9, 10, 12, 3011, 3012, 3013, 4000, whole.count - 1] {
            #expect(try frame(parts, capacity: capacity) == nil, "\(capacity)")
        }
        #expect(try frame([], capacity: 100) == nil)
    }
}
