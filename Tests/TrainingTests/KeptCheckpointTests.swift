import CheckpointFormat
import Codecs
import Foundation
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing
import Training

@Suite("Kept checkpoints, early stop, storage, event files")
struct KeptCheckpointTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func run(
        _ overrides: [String], to name: String = "run.crux", resume: Bool = false
    ) throws -> TrainingSummary {
        try Pretraining(TinyRuns.pretraining(overrides)).run(checkpoint: folder.file(name), resume: resume)
    }

    @Test("The last k saves stay, also over a resume; somebody's own file does")
    func keepLast() throws {
        let keeping = ["checkpoint.every_steps=1", "checkpoint.keep_last=2"]
        _ = try run(keeping + ["steps=3"])
        #expect(try folder.entries() == ["run.crux", "run.step-000002.crux", "run.step-000003.crux"])
        try folder.file("run.step-000002.crux").writeBytes([1, 2, 3])
        _ = try run(keeping + ["steps=5"], resume: true)
        #expect(
            try folder.entries() == [
                "run.crux", "run.step-000002.crux", "run.step-000004.crux", "run.step-000005.crux",
            ])
        #expect(
            try folder.file("run.step-000005.crux").readBytes() == folder.file("run.crux").readBytes())
        #expect(
            try Replay(of: folder.file("run.crux"), from: .previousSave, reference: nil, workerCount: 1).run().isSame)
    }

    @Test("The best evaluation is kept, and a run without improvement ends, also when it is resumed")
    func earlyStop() throws {
        let settings = [
            "evaluation.metric=loss", "evaluation.every_steps=1", "evaluation.minimum_improvement=100",
            "evaluation.patience=2", "checkpoint.keep_best=true",
        ]
        let summary = try run(settings)
        #expect(summary.ending == .stoppedEarly)
        #expect(summary.step == 3, "the first evaluation is the best, two follow")
        #expect(try CheckpointReader(path: folder.file("run.best.crux")).metadata["crux.step"]?.intValue == 1)
        let again = try run(settings, resume: true)
        #expect(again.ending == .stoppedEarly && again.step == 3 && again.metrics == nil)
        let error = #expect(throws: TrainingError.self) { try run(["evaluation.metric=los"], to: "x.crux") }
        #expect(error?.description == "evaluation.metric: found 'los', expected one of loss")
        #expect(try !folder.entries().contains("x.crux"))
    }

    @Test("Weights as BF16 with masters: a resume is exact; without masters it is refused")
    func bfloat16() throws {
        let whole = try run([], to: "whole.crux")
        let rounded = ["checkpoint.weights=bf16"]
        _ = try run(rounded + ["steps=3"])
        let reader = try CheckpointReader(path: folder.file("run.crux"))
        #expect(reader.tensor(named: "wte.weight")?.description.dtype == .bf16)
        #expect(reader.tensor(named: "optimizer.master.wte.weight")?.description.dtype == .f32)
        #expect(try run(["checkpoint.weights=f32"], resume: true).weightsDigest == whole.weightsDigest)
        _ = try run(rounded + ["checkpoint.every_steps=3"], to: "again.crux")
        #expect(try Replay(of: folder.file("again.crux"), from: .runStart, reference: nil, workerCount: 1).run().isSame)
        _ = try run(["checkpoint.weights=bf16-only", "steps=3"], to: "only.crux")
        let error = #expect(throws: TrainingError.self) { try run([], to: "only.crux", resume: true) }
        #expect(error?.description.contains("rounded weights without 'optimizer.master.wte.weight'") == true)
    }

    @Test("Two batches added up are one batch of twice the size, bit for bit")
    func accumulation() throws {
        let large = try run(["data.examples_per_step=6"], to: "large.crux")
        let small = try run(["data.examples_per_step=3", "data.accumulation=2"], to: "small.crux")
        #expect(small.weightsDigest == large.weightsDigest)
    }

    @Test("A kept copy that is a delta keeps its base; without a copy the base goes")
    func deltas() throws {
        let settings = [
            "checkpoint.every_steps=1", "checkpoint.keep_last=2", "checkpoint.delta_against=full",
            "checkpoint.full_every=2",
        ]
        let whole = try run([], to: "whole.crux")
        #expect(try run(settings + ["steps=5"]).step == 5)
        // Whole after steps 1, 3 and 5; the copies of 4 and 5 need the last two.
        let expected = [
            "run.crux", "run.full-3.crux", "run.full-5.crux", "run.step-000004.crux", "run.step-000005.crux",
        ]
        #expect(try folder.entries().filter { $0.hasPrefix("run") } == expected)
        for name in expected { #expect(Verifier.verify(path: folder.file(name)).isValid, "\(name)") }
        #expect(try run(settings, resume: true).weightsDigest == whole.weightsDigest)
        #expect(
            try folder.entries().filter { $0.hasPrefix("run") } == [
                "run.crux", "run.full-5.crux", "run.step-000005.crux", "run.step-000006.crux",
            ])
        #expect(
            try Replay(of: folder.file("run.crux"), from: .previousSave, reference: nil, workerCount: 1).run().isSame)
    }

    @Test("What goes by a metric needs one")
    func metricIsNeeded() throws {
        for setting in ["checkpoint.keep_best=true", "evaluation.patience=1"] {
            let error = #expect(throws: ConfigurationError.self) { try TinyRuns.pretraining([setting]) }
            #expect(error?.description.contains("evaluation.metric") == true)
            #expect(throws: ConfigurationError.self) { try TinyRuns.fineTuning([setting]) }
        }
    }
}
