import Codecs
import TestSupport
import Testing

@Suite struct ZstdTests {
    let text = [UInt8](String(repeating: "proximal policy ", count: 100).utf8)

    func decompress(_ frame: [UInt8], byteCount: Int) throws(ZstdError) -> [UInt8] {
        try Zstd.decompress(unsafe frame.span.bytes, byteCount: byteCount)
    }

    @Test(arguments: [-50, -1, 1, 3, 19], [false, true])
    func contentComesBack(level: Int, isForced: Bool) throws {
        var generator = SeededGenerator(seed: 2)
        for bytes in [[], [7], text, generator.bytes(300_000), [UInt8](repeating: 0, count: 1 << 20)] {
            let frame = try Zstd.compress(
                unsafe bytes.span.bytes, level: level, forcingLiteralCompression: isForced)
            #expect(try decompress(frame, byteCount: bytes.count) == bytes)
        }
    }

    @Test func anotherSizeIsRefused() throws {
        let frame = try Zstd.compress(unsafe text.span.bytes)
        #expect(throws: ZstdError.wrongContentSize(found: 1600, expected: 1599)) {
            try decompress(frame, byteCount: 1599)
        }
        #expect(throws: ZstdError.wrongContentSize(found: 1600, expected: 1 << 30)) {
            try decompress(frame, byteCount: 1 << 30)
        }
    }

    @Test func moreOrLessThanOneFrameIsRefused() throws {
        let frame = try Zstd.compress(unsafe text.span.bytes)
        #expect(throws: ZstdError.notOneFrame) { try decompress(frame + [0], byteCount: 1600) }
        #expect(throws: ZstdError.notOneFrame) { try decompress(frame + frame, byteCount: 1600) }
        #expect(throws: ZstdError.notOneFrame) { try decompress([], byteCount: 0) }
        #expect(throws: ZstdError.notOneFrame) { try decompress([1, 2, 3], byteCount: 3) }
        for count in 0..<frame.count {
            #expect(throws: ZstdError.self) { try decompress(Array(frame[..<count]), byteCount: 1600) }
        }
    }

    @Test func outputThatDoesNotFitIsNoError() throws {
        var generator = SeededGenerator(seed: 3)
        let bytes = generator.bytes(1000)
        var compressor = try ZstdCompressor.make(level: 1)
        var output = [UInt8](repeating: 0, count: 1000)
        var span = output.mutableSpan
        var raw = unsafe span.mutableBytes
        let count = try compressor.compress(unsafe bytes.span.bytes, into: &raw)
        #expect(count == nil)
    }

    @Test func messages() {
        #expect(
            ZstdError.wrongContentSize(found: nil, expected: 3).description
                == "the zstd frame declares no size, expected 3 bytes")
        #expect(
            ZstdError.wrongContentSize(found: 4, expected: 3).description
                == "the zstd frame declares 4 bytes, expected 3 bytes")
        #expect(ZstdError.notOneFrame.description == "the bytes are not exactly one zstd frame")
        #expect(ZstdError.needsDictionary.description == "the zstd frame needs a dictionary")
    }
}
