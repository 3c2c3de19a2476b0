import CheckpointFormat
import Codecs
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct RoundTripTests {
    @Test func aSmallCheckpointComesBackAsItWas() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("small.crux")
        let values: [Float] = [1, -0.0, .infinity, .nan, 2.5]
        let writer = try CheckpointWriter.create(at: path)
        writer.setMetadata("a", .uint32(7))
        let description = try TensorDescription(name: "w", dtype: .f32, shape: [5])
        try writer.append(description, bytes: unsafe values.span.bytes)
        let summary = try writer.finish()

        let reader = try CheckpointReader(path: path)
        #expect(reader.metadata == ["a": .uint32(7)])
        #expect(reader.weightsDigest == summary.weightsDigest)
        #expect(reader.fileDigest == summary.fileDigest)
        #expect(reader.fileByteCount == summary.byteCount)
        #expect(reader.tensors.map(\.description) == [description])
        #expect(try reader.readFloats(named: "w").map(\.bitPattern) == values.map(\.bitPattern))
        #expect(Verifier.verify(path: path).findings == [])
        #expect(try folder.entries() == ["small.crux"])
    }
}
