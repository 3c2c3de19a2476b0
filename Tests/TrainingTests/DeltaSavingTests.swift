import CheckpointFormat
import Codecs
import SystemPackage
import TensorCore
import TestSupport
import Testing
import Training

@Suite("Saving a run's state as deltas")
struct DeltaSavingTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        _ = try Pretraining(TinyRuns.pretraining(["steps=2"])).run(checkpoint: folder.file("reference.crux"))
    }

    private func run(_ overrides: [String], to name: String, resume: Bool = false) throws {
        _ = try FineTuning(TinyRuns.fineTuning(["checkpoint.every_steps=1"] + overrides)).run(
            reference: folder.file("reference.crux"), checkpoint: folder.file(name), resume: resume)
    }

    private func digests(_ name: String) throws -> [String] {
        #expect(Verifier.verify(path: folder.file(name)).findings == [])
        return try CheckpointReader(path: folder.file(name)).tensors.filter { $0.description.role != .state }
            .map { "\($0.name) \($0.digest.hex)" }
    }

    private func hint(_ name: String) throws -> String? {
        try CheckpointReader(path: folder.file(name)).baseReference?.pathHint
    }

    @Test("Against the reference: every so many whole, and the same state, also after a resume from a delta")
    func reference() throws {
        try run([], to: "whole.crux")
        let settings = ["checkpoint.delta_against=reference", "checkpoint.full_every=3"]
        try run(["steps=2"] + settings, to: "delta.crux")
        #expect(try hint("delta.crux") == "reference.crux")
        try run(settings, to: "delta.crux", resume: true)
        #expect(try digests("delta.crux") == digests("whole.crux"))
        // Whole, delta, delta, whole.
        try run(settings, to: "other.crux")
        #expect(try hint("other.crux") == nil)
        #expect(try digests("other.crux") == digests("whole.crux"))
    }

    @Test("Against the last whole save, which stays as long as a delta needs it, and no longer")
    func lastWhole() throws {
        try run([], to: "whole.crux")
        let settings = ["checkpoint.delta_against=full", "checkpoint.full_every=3"]
        try run(["steps=2"] + settings, to: "delta.crux")
        #expect(try hint("delta.crux") == "delta.full-1.crux")
        // A copy of the delta keeps the whole save alive.
        try folder.file("kept.crux").writeBytes(folder.file("delta.crux").readBytes())
        let kept = try digests("kept.crux")
        try run(settings, to: "delta.crux", resume: true)
        #expect(try digests("delta.crux") == digests("whole.crux"))
        #expect(try hint("delta.crux") == "delta.full-4.crux")
        #expect(try digests("kept.crux") == kept)
        // Without one, only the newest is left.
        try run(settings, to: "alone.crux")
        #expect(
            try folder.entries().filter { $0.hasPrefix("alone") && $0.hasSuffix(".crux") } == [
                "alone.crux", "alone.full-4.crux",
            ])
        #expect(try digests("alone.crux") == digests("whole.crux"))
    }

    @Test("Pre-training has no reference to store against")
    func pretraining() throws {
        let configuration = try TinyRuns.pretraining(["checkpoint.delta_against=full"])
        _ = try Pretraining(configuration).run(checkpoint: folder.file("base.crux"))
        #expect(try hint("base.crux") == "base.full-6.crux")
        #expect(throws: ConfigurationError.self) {
            _ = try TinyRuns.pretraining(["checkpoint.delta_against=reference"])
        }
    }
}
