import CheckpointFormat
import Foundation
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct ShardedCheckpointTests {
    let folder: TemporaryFolder
    let path: FilePath

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("model.crux")
    }

    static let limit = 1400
    static let options = WriterOptions(chunkByteCount: 256, workerCount: 2)

    /// Writes the small checkpoint's tensors; a byte added to the first one makes another checkpoint.
    func write(adding: UInt8 = 0, limit: Int = Self.limit) throws -> CheckpointSummary {
        let tensors = try SmallCheckpoint.contents.keys.map(SmallCheckpoint.description)
        let writer = try ShardedCheckpointWriter(
            at: path, tensors: tensors, maximumShardByteCount: limit, options: Self.options)
        writer.setMetadata("step", .uint64(UInt64(adding)))
        for tensor in tensors {
            var bytes = SmallCheckpoint.contents[tensor.name]?.bytes ?? []
            if tensor == tensors[0] { bytes[0] &+= adding }
            try writer.append(tensor, bytes: unsafe bytes.span.bytes)
        }
        return try writer.finish()
    }

    func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path.removingLastComponent().string).sorted()
    }

    @Test func shardsAreReadAsOne() throws {
        let summary = try write()
        let reader = try CheckpointReader(path: path)
        #expect(reader.shards.count > 1)
        #expect(reader.tensors.map(\.name) == SmallCheckpoint.contents.keys.elements)
        #expect(reader.metadata == ["step": .uint64(0)])
        #expect(reader.weightsDigest == summary.weightsDigest)
        #expect(reader.fileByteCount == summary.byteCount)
        for tensor in reader.tensors {
            #expect(try reader.readBytes(of: tensor) == SmallCheckpoint.contents[tensor.name]?.bytes)
        }
        // In one file the model is the same.
        let whole = folder.file("whole.crux")
        try SmallCheckpoint.write(at: whole)
        #expect(try CheckpointReader(path: whole).weightsDigest == summary.weightsDigest)
        let report = Verifier.verify(path: path)
        #expect(report.findings == [])
        #expect(report.tensorCount == reader.tensors.count)
        #expect(report.byteCount == summary.byteCount)
    }

    @Test func everyShardIsACheckpointOfTheSizeAskedFor() throws {
        _ = try write()
        for shard in try CheckpointReader(path: path).shards {
            let file = folder.file(shard.name)
            #expect(Verifier.verify(path: file).findings == [])
            let reader = try CheckpointReader(path: file)
            #expect(reader.fileByteCount == shard.byteCount)
            // A tensor that is larger by itself gets a file of its own.
            #expect(shard.byteCount <= Self.limit || reader.tensors.count == 1)
        }
    }

    @Test func damageIsNamedWithItsShard() throws {
        _ = try write()
        let shards = try CheckpointReader(path: path).shards
        for shard in shards {
            let file = folder.file(shard.name)
            let whole = try file.readBytes()
            for position in stride(from: 0, to: whole.count, by: 41) {
                var bytes = whole
                bytes[position] ^= 0x10
                try file.writeBytes(bytes)
                let report = Verifier.verify(path: path, workerCount: 1)
                #expect(!report.isValid, "\(shard.name), byte \(position)")
                #expect(report.findings.allSatisfy { $0.place.section?.hasPrefix("shard '\(shard.name)'") == true })
            }
            try file.writeBytes(Array(whole.dropLast()))
            #expect(throws: CheckpointError.self) { try CheckpointReader(path: path) }
            try FileManager.default.removeItem(atPath: file.string)
            let report = Verifier.verify(path: path)
            #expect(report.findings.map(\.kind) == [.missing])
            #expect(report.couldNotRun)
            try file.writeBytes(whole)
        }
        // Each whole, but not the one that is listed.
        let (first, second) = (folder.file(shards[0].name), folder.file(shards[1].name))
        let bytes = try first.readBytes()
        try first.writeBytes(try second.readBytes())
        #expect(!Verifier.verify(path: path).isValid)
        try first.writeBytes(bytes)
        #expect(Verifier.verify(path: path).isValid)
    }

    @Test func whatTheOldListNamesStaysWholeUntilTheEnd() throws {
        _ = try write()
        let old = try CheckpointReader(path: path).shards.map(\.name)
        let oldFiles = try files()
        // A save that is given up on the way, with whole shards behind it.
        let tensors = try SmallCheckpoint.contents.keys.map(SmallCheckpoint.description)
        do {
            let writer = try ShardedCheckpointWriter(
                at: path, tensors: tensors, maximumShardByteCount: Self.limit, options: Self.options)
            for tensor in tensors.dropLast() {
                let bytes = SmallCheckpoint.contents[tensor.name]?.bytes ?? []
                try writer.append(tensor, bytes: unsafe bytes.span.bytes)
            }
            #expect(try files().count > oldFiles.count)
            #expect(throws: CheckpointError.self) { try writer.finish() }
        }
        #expect(try files() == oldFiles)
        #expect(Verifier.verify(path: path).isValid)
        // One that goes to its end.
        _ = try write(adding: 1)
        #expect(Verifier.verify(path: path).isValid)
        let new = try CheckpointReader(path: path)
        #expect(new.metadata == ["step": .uint64(1)])
        #expect(Set(new.shards.map(\.name)).isDisjoint(with: old))
        #expect(try files() == (new.shards.map(\.name) + ["model.crux"]).sorted())
    }

    @Test func tensorsComeInTheOrderThatWasAnnounced() throws {
        let tensors = try SmallCheckpoint.contents.keys.map(SmallCheckpoint.description)
        let writer = try ShardedCheckpointWriter(at: path, tensors: tensors, maximumShardByteCount: Self.limit)
        #expect(throws: CheckpointError.self) { try writer.beginTensor(tensors[1]) }
        #expect(throws: CheckpointError.self) {
            try ShardedCheckpointWriter(
                at: path, tensors: [tensors[0], tensors[0]], maximumShardByteCount: Self.limit)
        }
    }

    @Test func aListIsEditedAndItsShardsStay() throws {
        let summary = try write()
        var edit = try CheckpointEdit(path: path)
        edit.set("note", to: .string("β = 0.1"))
        try edit.save()
        let reader = try CheckpointReader(path: path)
        #expect(reader.metadata["note"] == .string("β = 0.1"))
        #expect(reader.weightsDigest == summary.weightsDigest)
        #expect(Verifier.verify(path: path).isValid)
    }

    @Test func aListIsABaseOfDeltas() throws {
        _ = try write()
        let base = try CheckpointReader(path: path)
        let delta = folder.file("delta.crux")
        let writer = try CheckpointWriter.create(at: delta, options: Self.options, base: base)
        try SmallCheckpoint.fill(writer)
        try writer.finish()
        let reader = try CheckpointReader(path: delta)
        #expect(reader.tensors[0].codecNames == ["same as base"])
        for tensor in reader.tensors {
            #expect(try reader.readBytes(of: tensor) == SmallCheckpoint.contents[tensor.name]?.bytes)
        }
    }

    @Test func shardsAreRepairedOneByOne() throws {
        _ = try write()
        let error = #expect(throws: CheckpointError.self) { try Salvage(path: path) }
        #expect(error?.problem == "lists shards and holds no tensors itself: repair each of its shards")
        #expect(try Salvage(path: folder.file(CheckpointReader(path: path).shards[0].name)).report.isComplete)
    }

    @Test func oneTensorTooManyMakesAShardMore() throws {
        let tensors = try (0..<10).map {
            try TensorDescription(name: "\($0)", dtype: .u8, shape: [1000], role: .weight)
        }
        for limit in stride(from: 500, through: 16_000, by: 250) {
            let plan = ShardPlan(tensors, maximumByteCount: limit, chunkByteCount: 1 << 20)
            #expect(plan.shards.flatMap { $0 } == tensors)
            for shard in plan.shards {
                let file = folder.file("shard.crux")
                let writer = try CheckpointWriter.create(at: file, options: WriterOptions(codec: .raw))
                for tensor in shard {
                    try writer.append(tensor, bytes: unsafe [UInt8](repeating: 1, count: 1000).span.bytes)
                }
                #expect(try writer.finish().byteCount <= limit || shard.count == 1)
            }
        }
        #expect(ShardPlan([], maximumByteCount: 100, chunkByteCount: 1 << 20).shards == [[]])
    }
}
