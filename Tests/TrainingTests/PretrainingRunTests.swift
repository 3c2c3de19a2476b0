import CheckpointFormat
import Codecs
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing
import Training

@Suite("Pre-training runs")
struct PretrainingRunTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func run(
        _ overrides: [String] = [], to name: String = "run.crux", resume: Bool = false, metrics: FilePath? = nil,
        stop: StopFlag = StopFlag(), progress: (ProgressEvent) -> Void = { _ in }
    ) throws -> TrainingSummary {
        try Pretraining(TinyRuns.pretraining(overrides)).run(
            checkpoint: folder.file(name), resume: resume, metricsFile: metrics, stop: stop, progress: progress)
    }

    @Test("Weights and moments are the same, bit for bit, with any number of workers")
    func workers() throws {
        let one = try run(["workers=1"], to: "one.crux")
        for workers in [2, 3, 8] {
            let other = try run(["workers=\(workers)"], to: "other.crux")
            #expect(other.weightsDigest == one.weightsDigest)
            #expect(try TinyRuns.contents(folder, "other.crux") == TinyRuns.contents(folder, "one.crux"))
        }
        #expect(try run(["seed=2"], to: "seed.crux").weightsDigest != one.weightsDigest)
    }

    @Test(
        "Six steps are three, a resume and three more, bit for bit; no step is logged twice", arguments: [1, 2, 3, 8])
    func resume(workers: Int) throws {
        _ = try run(to: "whole.crux", metrics: folder.file("whole.jsonl"))
        let half = try run(
            ["steps=3", "workers=\(workers)"], to: "half.crux", metrics: folder.file("half.jsonl"))
        #expect(half.step == 3)
        let rest = try run(
            ["workers=\(9 - workers)"], to: "half.crux", resume: true, metrics: folder.file("half.jsonl"))
        #expect(rest.ending == .completed)
        #expect(rest.step == 6)
        #expect(try TinyRuns.contents(folder, "half.crux") == TinyRuns.contents(folder, "whole.crux"))
        let whole = try TinyRuns.metrics(folder.file("whole.jsonl"))
        let resumed = try TinyRuns.metrics(folder.file("half.jsonl"))
        #expect(resumed.map { $0["step"] } == [1, 2, 3, 4, 5, 6])
        #expect(resumed.map { $0["loss"] } == whole.map { $0["loss"] })
        let losses = whole.compactMap { $0["loss"] }
        #expect(abs(losses[0] - 3.7) < 0.3, "ln 40 = 3.69 before training")
        #expect(losses[5] < losses[0])
    }

    @Test("Resuming a finished run does nothing")
    func resumeOfFinishedRun() throws {
        let done = try run(["steps=2"])
        let again = try run(["steps=2"], resume: true)
        #expect(again.step == 2)
        #expect(again.weightsDigest == done.weightsDigest)
        #expect(again.metrics == nil)
    }

    @Test("A stop flag saves after the current step")
    func interruption() throws {
        let stop = StopFlag()
        var steps: [Int] = []
        let summary = try run(stop: stop) { event in
            if event.kind == .step { steps.append(event.step) }
            if event.step == 2 { stop.set() }
        }
        #expect(summary.ending == .interrupted)
        #expect(summary.step == 2)
        #expect(steps == [1, 2])
        _ = try run(resume: true)
        _ = try run(to: "whole.crux")
        #expect(try TinyRuns.contents(folder, "run.crux") == TinyRuns.contents(folder, "whole.crux"))
    }

    @Test("Checkpoints at the cadence hold the step, the configuration, the tokenizer and the metrics")
    func checkpoints() throws {
        var saved: [Int] = []
        _ = try run(["checkpoint.every_steps=4"]) { if $0.kind == .saved { saved.append($0.step) } }
        #expect(saved == [4, 6])
        let reader = try CheckpointReader(path: folder.file("run.crux"))
        #expect(reader.metadata["crux.kind"]?.stringValue == "pretrained")
        #expect(reader.metadata["crux.step"]?.intValue == 6)
        #expect(reader.metadata["tokenizer.vocabulary"]?.stringArrayValue?.count == 40)
        let configuration = try ConfigurationLoader.stored(
            PretrainingConfiguration.self, inCheckpoint: folder.file("run.crux"))
        #expect(configuration == (try TinyRuns.pretraining(["checkpoint.every_steps=4"])))
        let roles = Set(reader.tensors.map(\.description.role))
        #expect(roles == [.weight, .firstMoment, .secondMoment, .state])
        let text = try reader.readBytes(of: try reader.requiredTensor(named: "training.metrics"))
        #expect(String(decoding: text, as: UTF8.self).split(separator: "\n").count == 6)
    }

    @Test("A resume with other settings is refused, naming each")
    func refusedResume() throws {
        _ = try run(["steps=1"])
        let error = #expect(throws: TrainingError.self) {
            try run(["seed=2", "optimizer.beta2=0.5"], resume: true)
        }
        #expect(
            error?.description
                == "\(folder.file("run.crux")): cannot resume: seed: 1 in the checkpoint, 2 in this run; "
                + "optimizer.beta2: 0.95 in the checkpoint, 0.5 in this run")
    }

    @Test("A learning rate that breaks the model stops the run with a named error and keeps the last checkpoint")
    func divergence() throws {
        let error = #expect(throws: TrainingError.self) {
            try run(
                [
                    "optimizer.learning_rate=10", "optimizer.gradient_clip=0", "steps=500", "optimizer.epsilon=1e-30",
                    "optimizer.weight_decay=100", "checkpoint.every_steps=1",
                ])
        }
        let message = try #require(error?.description)
        #expect(message.contains(#/^step \d+: the .*(h\.0|wte|wpe|ln_f).* is infinite or not a number/#), "\(message)")
        let saved = try CheckpointReader(path: folder.file("run.crux"))
        #expect(saved.metadata["crux.step"]?.intValue ?? 0 > 0)
        for tensor in saved.tensors where tensor.description.dtype == .f32 {
            #expect(try saved.readFloats(named: tensor.name).allSatisfy(\.isFinite), "\(tensor.name)")
        }
    }

    @Test("Evaluation adds accuracies with intervals")
    func evaluation() throws {
        let summary = try run(["steps=1", "evaluation.examples=4", "evaluation.additional_digits=[0]"])
        #expect(summary.metrics?["accuracy_varying_1"] == 0)
        #expect(summary.metrics?["accuracy_varying_1_high"] == 0)
        #expect(summary.metrics?["accuracy_varying_1_unfinished"] != nil)
        #expect((summary.metrics?["tokens_per_second_evaluate"] ?? 0) > 0)
    }
}
