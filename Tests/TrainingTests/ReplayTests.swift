import CheckpointFormat
import Codecs
import Foundation
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing
import Training

@Suite("Replay: retraining proves a checkpoint")
struct ReplayTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let second = "run.step-000002.crux"
    private static let fourth = "run.step-000004.crux"

    /// Saves after steps 2, 4 and 6 as run.crux, keeping copies of the first two.
    private func pretrain(_ overrides: [String] = []) throws {
        let keeping = ["checkpoint.every_steps=2", "checkpoint.keep_last=3"]
        _ = try Pretraining(TinyRuns.pretraining(keeping + overrides)).run(checkpoint: folder.file("run.crux"))
        try FileManager.default.removeItem(atPath: folder.file("run.step-000006.crux").string)
    }

    private func finetune() throws {
        _ = try FineTuning(TinyRuns.fineTuning(["checkpoint.every_steps=2", "checkpoint.keep_last=2"])).run(
            reference: folder.file("run.crux"), checkpoint: folder.file("policy.crux"))
    }

    private func replay(
        _ name: String, from start: Replay.Start = .previousSave, workers: Int? = nil
    ) throws -> Replay.Result {
        try Replay(of: folder.file(name), from: start, reference: nil, workerCount: workers).run()
    }

    /// Writes the checkpoint anew with one bit of a tensor, or one metadata value, changed.
    private func tamper(_ name: String, tensor: String? = nil, metadata: (String, MetadataValue)? = nil) throws {
        let reader = try CheckpointReader(path: folder.file(name))
        let tensors = try reader.tensors.map { ($0.description, try reader.readBytes(of: $0)) }
        let writer = try CheckpointWriter.create(at: folder.file(name))
        for (key, value) in reader.metadata { writer.setMetadata(key, value) }
        if let metadata { writer.setMetadata(metadata.0, metadata.1) }
        for (description, bytes) in tensors {
            var bytes = bytes
            if description.name == tensor { bytes[8] ^= 1 }
            try writer.append(description, bytes: unsafe bytes.span.bytes)
        }
        _ = try writer.finish()
    }

    @Test("A pre-training is the same from the save before, from an earlier one and from the start")
    func pretraining() throws {
        try pretrain()
        let result = try replay("run.crux")
        #expect(result.isSame)
        #expect((result.firstStep, result.lastStep) == (4, 6))
        #expect(result.previous == folder.file(Self.fourth).string)
        #expect(result.tensorCount == 3 * 15)
        #expect(try replay("run.crux", from: .checkpoint(folder.file(Self.second)), workers: 3).isSame)
        let whole = try replay("run.crux", from: .runStart, workers: 1)
        #expect(whole.isSame && whole.firstStep == 0 && whole.previous == nil)
        #expect(try replay(Self.second).firstStep == 0, "a run's first save has none before it")
    }

    @Test("A fine-tuning is the same, critic included")
    func fineTuning() throws {
        try pretrain()
        try finetune()
        let result = try replay("policy.crux", workers: 3)
        #expect(result.isSame)
        #expect((result.firstStep, result.lastStep, result.tensorCount) == (2, 4, 3 * 15 + 3 * 4))
        #expect(try replay("policy.crux", from: .runStart).isSame)
    }

    @Test("One changed bit is found and named, wherever it is")
    func tampered() throws {
        try pretrain()
        try finetune()
        for name in ["h.1.attn.c_proj.weight", "critic.0.bias", "optimizer.second_moment.critic.0.weight"] {
            try finetune()
            try tamper("policy.crux", tensor: name)
            let result = try replay("policy.crux")
            #expect(result.differing == [name])
            #expect(result.firstDifference?.element == 2)
            #expect(result.firstDifference?.stored != result.firstDifference?.retrained)
        }
        try finetune()
        try tamper("policy.crux", metadata: ("training.update_count", .uint64(5)))
        let count = try replay("policy.crux").firstDifference
        #expect(count?.name == "training.update_count" && count?.stored == "5" && count?.retrained == "4")
    }

    @Test("What is missing or of another run is named")
    func refusals() throws {
        try pretrain()
        func message(_ name: String, _ start: Replay.Start = .previousSave) -> String {
            let error = #expect(throws: TrainingError.self) { try replay(name, from: start) }
            return error?.description.replacingOccurrences(of: folder.path.string + "/", with: "") ?? ""
        }
        #expect(
            message("run.crux", .checkpoint(folder.file("run.crux")))
                == "run.crux: crux.step: found 6, expected a step before that of \(folder.file("run.crux")), 6"
                .replacingOccurrences(of: folder.path.string + "/", with: ""))
        let digest = try CheckpointReader(path: folder.file(Self.fourth)).weightsDigest.hex
        try FileManager.default.removeItem(atPath: folder.file(Self.fourth).string)
        #expect(
            message("run.crux")
                == "run.crux: training.previous_weights_digest: found no checkpoint of step 4 with weights \(digest) "
                + "beside it, expected one, or --from with its path, or --from-start; checkpoint.keep_last keeps them")
        try pretrain(["seed=2"])
        let other = try CheckpointReader(path: folder.file(Self.fourth)).weightsDigest.hex
        try FileManager.default.moveItem(
            atPath: folder.file(Self.fourth).string, toPath: folder.file("other.crux").string)
        try pretrain()
        #expect(
            message("run.crux", .checkpoint(folder.file("other.crux")))
                == "other.crux: weights: found \(other), expected \(digest), which run.crux names for step 4")
        try finetune()
        try tamper("policy.crux", metadata: ("lineage.reference", .string("00")))
        #expect(
            message("policy.crux")
                == "policy.crux: lineage.reference: found no checkpoint with weights 00 beside it, expected one, or "
                + "--reference with its path")
    }
}
