import Codecs
import TestSupport
import Testing

@Suite struct XXH3Tests {
    // From xxhsum 0.8.1.
    @Test(arguments: [
        ("", "99aa06d3014798d86001c324468d497f", UInt64(0x2d06_8005_38d3_94c2)),
        ("crux", "9e20f96b8cb80d11dd72d3a037ff3902", 0xc7bf_8884_4c71_f296),
    ])
    func knownValues(text: String, digest: String, short: UInt64) {
        #expect(XXH3.hash128(Array(text.utf8)).hex == digest)
        #expect(unsafe XXH3.hash64(Array(text.utf8).span.bytes) == short)
    }

    @Test func piecesGiveTheSameAsTheWhole() {
        var generator = SeededGenerator(seed: 1)
        let bytes = generator.bytes(100_000)
        let whole = XXH3.hash128(bytes)
        for _ in 0..<20 {
            var hasher = XXH3Hasher128()
            var offset = 0
            while offset < bytes.count {
                let count = min(Int.random(in: 0...5000, using: &generator), bytes.count - offset)
                hasher.update(unsafe bytes.span.bytes.extracting(offset..<offset + count))
                offset += count
            }
            #expect(hasher.finalize() == whole)
        }
    }
}
