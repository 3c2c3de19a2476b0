import CheckpointFormat
import Codecs
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing
import Training

@Suite("Fine-tuning runs")
struct FineTuningRunTests {
    private let folder: TemporaryFolder
    private let referenceDigest: String

    init() throws {
        folder = try TemporaryFolder()
        referenceDigest = try Pretraining(TinyRuns.pretraining(["steps=2"]))
            .run(checkpoint: folder.file("reference.crux")).weightsDigest
    }

    private func run(
        _ overrides: [String] = [], to name: String = "policy.crux", reference: String = "reference.crux",
        resume: Bool = false, metrics: FilePath? = nil, stop: StopFlag = StopFlag()
    ) throws -> TrainingSummary {
        try FineTuning(TinyRuns.fineTuning(overrides)).run(
            reference: folder.file(reference), checkpoint: folder.file(name), resume: resume, metricsFile: metrics,
            stop: stop)
    }

    @Test("Policy, critic and moments are the same, bit for bit, with any number of workers")
    func workers() throws {
        let one = try run(["workers=1"], to: "one.crux")
        #expect(one.weightsDigest != referenceDigest)
        for workers in [2, 3, 8] {
            _ = try run(["workers=\(workers)"], to: "other.crux")
            #expect(try TinyRuns.contents(folder, "other.crux") == TinyRuns.contents(folder, "one.crux"))
        }
    }

    @Test(
        "Four steps are two, a resume and two more, bit for bit",
        arguments: [[], ["update.passes_per_collect=2", "update.episodes_per_minibatch=3"]])
    func resume(overrides: [String]) throws {
        _ = try run(overrides, to: "whole.crux", metrics: folder.file("whole.jsonl"))
        _ = try run(["steps=2", "workers=3"] + overrides, to: "half.crux", metrics: folder.file("half.jsonl"))
        _ = try run(["workers=1"] + overrides, to: "half.crux", resume: true, metrics: folder.file("half.jsonl"))
        #expect(try TinyRuns.contents(folder, "half.crux") == TinyRuns.contents(folder, "whole.crux"))
        let whole = try TinyRuns.metrics(folder.file("whole.jsonl"))
        let resumed = try TinyRuns.metrics(folder.file("half.jsonl"))
        #expect(resumed.map { $0["step"] } == [1, 2, 3, 4])
        for name in ["reward", "entropy", "kl_policy_reference_exact", "loss_actor", "gradient_norm"] {
            #expect(resumed.map { $0[name] } == whole.map { $0[name] })
        }
    }

    @Test(
        "A resume on another number of workers goes on with the same bits", arguments: [(1, 2), (2, 3), (3, 8), (8, 1)])
    func resume(workers: (before: Int, after: Int)) throws {
        _ = try run(to: "whole.crux")
        _ = try run(["steps=2", "workers=\(workers.before)"], to: "half.crux")
        _ = try run(["workers=\(workers.after)"], to: "half.crux", resume: true)
        #expect(try TinyRuns.contents(folder, "half.crux") == TinyRuns.contents(folder, "whole.crux"))
    }

    @Test("KL in both directions and by each estimator is logged even without a penalty; at first it is zero")
    func measurements() throws {
        _ = try run(["penalty.coefficient=0"], metrics: folder.file("metrics.jsonl"))
        let metrics = try TinyRuns.metrics(folder.file("metrics.jsonl"))
        let names = ["exact", "k1", "k2", "k3"].map { "kl_policy_reference_\($0)" } + ["kl_reference_policy_exact"]
        for name in names {
            #expect(abs(metrics[0][name] ?? 1) < 1e-6, "\(name)")
            #expect(metrics[3][name] != 0, "\(name)")
        }
        #expect(metrics[3]["kl_policy_reference_exact"] ?? 0 > 0)
        let entropy = try #require(metrics[0]["entropy"])
        #expect(entropy > 2.5 && entropy < 3.7, "an almost untrained model over 40 characters: at most ln 40")
        for name in ["reward", "success_rate", "unfinished_rate", "episode_length", "penalty_weight", "loss_value"] {
            #expect(metrics[0][name] != nil, "\(name)")
        }
        for line in metrics {
            let error = try #require(line["rollout_log_prob_error"])
            #expect(error < 1e-5, "rollout and forward pass see the same distribution")
        }
        #expect(metrics[0]["unfinished_rate"] == 1)
        #expect(metrics[0]["reward"] == -1)
    }

    @Test("The checkpoint holds critic, moments, lineage and N")
    func checkpoint() throws {
        _ = try run()
        let reader = try CheckpointReader(path: folder.file("policy.crux"))
        #expect(reader.metadata["crux.kind"]?.stringValue == "policy")
        for key in ["lineage.parent", "lineage.reference", "lineage.pretrained"] {
            #expect(reader.metadata[key]?.stringValue == referenceDigest, "\(key)")
        }
        #expect(reader.tensor(named: "critic.1.weight")?.description.role == .critic)
        #expect(
            reader.tensor(named: "optimizer.second_moment.critic.0.bias")?.description.role == .criticSecondMoment)
        let stored = try ConfigurationLoader.stored(
            FineTuningConfiguration.self, inCheckpoint: folder.file("policy.crux"))
        #expect(stored.task.trainedDigits == 1)
    }

    @Test("A resume with another reference or other settings is refused, naming each")
    func refusedResume() throws {
        _ = try run(["steps=1"])
        let other = try Pretraining(TinyRuns.pretraining(["steps=2", "seed=5"]))
            .run(checkpoint: folder.file("other.crux")).weightsDigest
        let error = #expect(throws: TrainingError.self) {
            try run(["penalty.coefficient=2"], reference: "other.crux", resume: true)
        }
        #expect(
            error?.description
                == "\(folder.file("policy.crux")): cannot resume: lineage.reference: \(referenceDigest) in the checkpoint, "
                + "\(other) in this run; penalty.coefficient: 1.0 in the checkpoint, 2.0 in this run")
        let kind = #expect(throws: TrainingError.self) { try run(to: "reference.crux", resume: true) }
        #expect(
            kind?.description
                == "\(folder.file("reference.crux")): cannot resume: crux.kind: pretrained in the checkpoint, "
                + "policy in this run")
    }

    @Test("Operands that do not fit the reference's context are refused")
    func context() {
        let error = #expect(throws: TrainingError.self) { try run(["task.additional_digits=9"]) }
        #expect(
            error?.description
                == "\(folder.file("reference.crux")): model.context_length: found 256, "
                + "expected at least 864, the length of an addition of 10 digits")
    }

    @Test("Single transitions as minibatches, as in the paper's code")
    func transitions() throws {
        let summary = try run(
            [
                "steps=1", "rollout.episodes_per_collect=2", "rollout.maximum_length=5",
                "update.transitions_per_minibatch=2",
            ])
        #expect(summary.metrics?["tokens"] == 10)
        #expect(summary.metrics?["updates"] == 5)
    }

    @Test("A learning rate that breaks the policy stops the run with a tensor named and keeps the last checkpoint")
    func divergence() throws {
        let error = #expect(throws: TrainingError.self) {
            try run(
                [
                    "optimizer.learning_rate=10", "optimizer.gradient_clip=0", "optimizer.epsilon=1e-30",
                    "optimizer.weight_decay=100", "steps=100", "checkpoint.every_steps=1",
                ], to: "broken.crux")
        }
        let message = try #require(error?.description)
        #expect(
            message.contains(#/^step \d+: the .*(h\.|wte|wpe|ln_f|critic).* is infinite or not a number/#), "\(message)"
        )
        let saved = try CheckpointReader(path: folder.file("broken.crux"))
        #expect(saved.metadata["crux.step"]?.intValue ?? 0 > 0)
        for tensor in saved.tensors where tensor.description.dtype == .f32 {
            #expect(try saved.readFloats(named: tensor.name).allSatisfy(\.isFinite), "\(tensor.name)")
        }
    }
}
