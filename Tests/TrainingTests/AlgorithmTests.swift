import CheckpointFormat
import Codecs
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing
import Training

@Suite("RL algorithms")
struct AlgorithmTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        _ = try Pretraining(TinyRuns.pretraining(["steps=2"])).run(checkpoint: folder.file("reference.crux"))
    }

    private func run(_ overrides: [String], to name: String, resume: Bool = false) throws -> TrainingSummary {
        try FineTuning(TinyRuns.fineTuning(overrides)).run(
            reference: folder.file("reference.crux"), checkpoint: folder.file(name), resume: resume)
    }

    private static let settings: [(RLAlgorithm, [String])] = [
        (.a2c, []), (.policyGradient, []), (.ppo, ["update.passes_per_collect=2"]),
        (.grpo, ["rollout.group_size=2", "update.passes_per_collect=2"]),
    ]

    @Test(
        "Every algorithm trains, resumes bit for bit, and has a critic exactly where it uses one", arguments: settings)
    func runs(algorithm: RLAlgorithm, overrides: [String]) throws {
        let overrides = overrides + ["loss.algorithm=\(algorithm.rawValue)", "penalty.coefficient=3"]
        let whole = try run(overrides, to: "whole.crux")
        _ = try run(overrides + ["steps=2"], to: "half.crux")
        let resumed = try run(overrides + ["workers=3"], to: "half.crux", resume: true)
        #expect(resumed.weightsDigest == whole.weightsDigest)
        #expect(try TinyRuns.contents(folder, "half.crux") == TinyRuns.contents(folder, "whole.crux"))
        let reader = try CheckpointReader(path: folder.file("whole.crux"))
        #expect(reader.tensors.contains { $0.description.role == .critic } == algorithm.usesCritic)
        #expect((whole.metrics?["loss_value"] != nil) == algorithm.usesCritic)
        #expect((whole.metrics?["clipped_share"] != nil) == algorithm.usesRatio)
        #expect(whole.metrics?["kl_policy_reference_exact"] ?? 0 > 0)
        #expect(try Replay(of: folder.file("whole.crux"), from: .runStart, reference: nil, workerCount: 2).run().isSame)
    }

    @Test("A group's answers are to one prompt; where all earn the same, nothing is learned from them")
    func group() throws {
        let summary = try run(
            [
                "loss.algorithm=grpo", "rollout.group_size=4", "rollout.episodes_per_collect=8",
                "loss.entropy_coefficient=0", "penalty.coefficient=0", "steps=1",
            ], to: "policy.crux")
        #expect(summary.metrics?["advantage_deviation"] == 0)
        #expect(summary.metrics?["gradient_norm"] == 0)
        #expect(
            try CheckpointReader(path: folder.file("policy.crux")).weightsDigest
                == CheckpointReader(path: folder.file("reference.crux")).weightsDigest)
    }

    @Test("A resume with another algorithm is refused, and settings that do not fit together are")
    func refusals() throws {
        _ = try run(["steps=1"], to: "policy.crux")
        let error = #expect(throws: TrainingError.self) {
            try run(["loss.algorithm=ppo"], to: "policy.crux", resume: true)
        }
        #expect(error?.description.hasSuffix("loss.algorithm: a2c in the checkpoint, ppo in this run") == true)
        let cases = [
            (["rollout.group_size=3"], "found 3, expected a divisor of rollout.episodes_per_collect (4)"),
            (["loss.algorithm=grpo"], "found 1, expected at least 2 where loss.algorithm is grpo"),
        ]
        for (overrides, message) in cases {
            let error = #expect(throws: ConfigurationError.self) { try TinyRuns.fineTuning(overrides) }
            #expect(error?.description == "configuration with --set: rollout.group_size: \(message)")
        }
    }
}
