import CheckpointFormat
import Codecs
import TensorCore
import TestSupport
import Testing

@Suite struct ContentDigestTests {
    @Test func typeAndShapeCount() {
        let bytes: [UInt8] = [1, 2, 3, 4]
        let digests = Set<Digest128>([
            unsafe ContentDigest.tensor(dtype: .f32, shape: [1], bytes: bytes.span.bytes),
            unsafe ContentDigest.tensor(dtype: .i32, shape: [1], bytes: bytes.span.bytes),
            unsafe ContentDigest.tensor(dtype: .f32, shape: [], bytes: bytes.span.bytes),
            unsafe ContentDigest.tensor(dtype: .u8, shape: [4], bytes: bytes.span.bytes),
            unsafe ContentDigest.tensor(dtype: .u8, shape: [2, 2], bytes: bytes.span.bytes),
        ])
        #expect(digests.count == 5)
    }

    @Test func theOrderOfWeightsDoesNotCount() {
        let a = Digest128(high: 1, low: 2)
        let b = Digest128(high: 3, low: 4)
        let digest = ContentDigest.weights(of: [("a", a), ("b", b)])
        #expect(ContentDigest.weights(of: [("b", b), ("a", a)]) == digest)
        #expect(ContentDigest.weights(of: [("a", b), ("b", a)]) != digest)
        #expect(ContentDigest.weights(of: [("a", a)]) != digest)
    }

    @Test func piecesGiveTheSameAsTheWhole() {
        var generator = SeededGenerator(seed: 11)
        let bytes = generator.bytes((3 << 20) + 77)
        let shape = Shape([bytes.count])
        let whole = unsafe ContentDigest.tensor(dtype: .u8, shape: shape, bytes: bytes.span.bytes)
        var digester = TensorDigester()
        // The digester is empty again after each use.
        for _ in 0..<3 {
            var offset = 0
            while offset < bytes.count {
                let count = min(Int.random(in: 0...700_000, using: &generator), bytes.count - offset)
                digester.update(unsafe bytes.span.bytes.extracting(offset..<offset + count))
                offset += count
            }
            #expect(digester.finalize(dtype: .u8, shape: shape) == whole)
        }
    }
}
