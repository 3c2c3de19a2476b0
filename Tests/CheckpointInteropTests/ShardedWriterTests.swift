import CheckpointFormat
import CheckpointInterop
import Foundation
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct ShardedWriterTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func source() throws -> CruxSource {
        let writer = try CheckpointWriter.create(at: folder.file("a.crux"))
        writer.setMetadata("format", .string("pt"))
        writer.setMetadata("crux.step", .uint64(7))
        var generator = SeededGenerator(seed: 2)
        for (name, dtype, shape, role) in [
            ("a", DType.f32, [10, 10] as Shape, TensorRole.weight), ("b", .u8, [7], .firstMoment),
            ("large", .f64, [100], .weight), ("empty", .f32, [0], .weight), ("c", .bf16, [30], .state),
        ] {
            let tensor = try TensorDescription(name: name, dtype: dtype, shape: shape, role: role)
            let content = generator.bytes(tensor.byteCount)
            try unsafe writer.append(tensor, bytes: content.span.bytes)
        }
        try writer.finish()
        return try CruxSource(path: folder.file("a.crux"))
    }

    @Test(arguments: [(1, 4), (410, 3), (500, 3), (1_000_000, 1)])
    func tensorsAreSpreadAndFoundAgain(shardByteCount: Int, fileCount: Int) throws {
        let source = try source()
        let out = folder.file("out")
        let outcome = try Conversion(source, to: .safetensors).run(to: out, shardByteCount: shardByteCount)
        #expect(outcome.weightsDigest == outcome.writtenWeightsDigest)
        let written = try CheckpointOpener.open(out)
        #expect(written.format == (fileCount == 1 ? .safetensors : .shardedSafetensors))
        #expect(written.metadata == source.metadata)
        #expect(Set(written.tensors) == Set(source.tensors))
        for tensor in source.tensors { #expect(try written.digest(of: tensor) == source.digest(of: tensor)) }
        #expect(try folder.entries() == ["a.crux", "out"])
        var files = 0
        for path in try CheckpointFolder.checkpoints(below: out) where path.extension == "safetensors" {
            let shard = try SafetensorsSource(path: path)
            #expect(
                shard.tensors.count { $0.byteCount > 0 } == 1
                    || shard.tensors.reduce(0) { $0 + $1.byteCount } <= shardByteCount)
            #expect(shard.metadata["format"] == .string("pt"))
            files += 1
        }
        #expect(files == fileCount)
    }

    @Test func whatIsThereStays() throws {
        let source = try source()
        let out = folder.file("out")
        try out.writeBytes([1])
        #expect(throws: CheckpointError.self) {
            try Conversion(source, to: .safetensors).run(to: out, shardByteCount: 100)
        }
        #expect(try out.readBytes() == [1])
        #expect(try folder.entries() == ["a.crux", "out"])
    }

    /// A tensor that is cut off, which shows while it is written.
    @Test func aFailureLeavesNothing() throws {
        let source = try source()
        var bytes = try source.path.readBytes()
        // In the middle of the tensor "large".
        let chunk = try #require(source.reader.tensors.first { $0.name == "large" }?.chunks.first)
        bytes[chunk.byteRange.lowerBound] ^= 1
        try source.path.writeBytes(bytes)
        let damaged = try CruxSource(path: source.path)
        #expect(throws: CheckpointError.self) {
            try Conversion(damaged, to: .safetensors).run(to: folder.file("out"), shardByteCount: 410)
        }
        #expect(try folder.entries() == ["a.crux"])
    }

    @Test func whatAKilledProcessLeftIsRemoved() throws {
        let source = try source()
        let left = folder.file(".out.tmp-1234-89abcdef")
        // Somebody's own, though it has such a name.
        let own = folder.file(".out.tmp-1234-00000000")
        try FileManager.default.createDirectory(atPath: left.string, withIntermediateDirectories: false)
        try left.appending("model-00001-of-00002.safetensors").writeBytes([1])
        try own.writeBytes([1])
        // A save that goes on has it locked.
        let busy = folder.file(".out.tmp-1235-89abcdef")
        try FileManager.default.createDirectory(atPath: busy.string, withIntermediateDirectories: false)
        let descriptor = try FileDescriptor.open(busy, .readOnly, options: .directory)
        defer { try? descriptor.close() }
        #expect(Platform.lock(descriptor) == true)
        _ = try Conversion(source, to: .safetensors).run(to: folder.file("out"), shardByteCount: 410)
        #expect(try folder.entries() == [".out.tmp-1234-00000000", ".out.tmp-1235-89abcdef", "a.crux", "out"])
    }

    @Test func aLinkIsFollowedToAnEmptyFolder() throws {
        let source = try source()
        let out = folder.file("out")
        try FileManager.default.createDirectory(atPath: folder.file("real").string, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: out.string, withDestinationPath: "real")
        _ = try Conversion(source, to: .safetensors).run(to: out, shardByteCount: 410)
        #expect(try folder.entries() == ["a.crux", "out", "real"])
        #expect(try CheckpointOpener.open(folder.file("real")).tensors.count == source.tensors.count)
    }

    @Test func bytesAreCounted() throws {
        let tensors = try ["a", "b"].map { try TensorDescription(name: $0, dtype: .u8, shape: [4]) }
        func writer() throws -> ShardedSafetensorsWriter {
            try .create(at: folder.file("out"), shardByteCount: 4, metadata: [:], tensors: tensors)
        }
        for count in [0, 3, 4, 6] {
            let writer = try writer()
            try writer.write([UInt8](repeating: 1, count: count))
            #expect(throws: CheckpointError.self) { try writer.finish() }
        }
        #expect(throws: CheckpointError.self) { try writer().write([UInt8](repeating: 1, count: 9)) }
        #expect(try folder.entries() == [])
    }
}
