import Analysis
import Experiments
import Kernels
import Synchronization
import SystemPackage
import TestSupport
import Testing
import Training

/// The events of an experiment, collected from its callback.
private final class Events: Sendable {
    private let list = Mutex<[String]>([])

    func tell(_ event: QuickExperiment.Event) {
        let text =
            switch event {
            case .started(let stage): "started \(stage)"
            case .training(let stage, let progress): "\(stage) step \(progress.step)"
            }
        list.withLock { $0.append(text) }
    }

    var all: [String] { list.withLock { $0 } }
}

/// A whole experiment of seconds: one-digit additions, a model that learns nothing in so few steps.
private func tinyPlan(in folder: FilePath) throws -> QuickExperiment.Plan {
    let model = ["steps=2", "model.layer_count=1", "model.head_count=2", "model.embedding_size=16", "task.digits=1"]
    let pretraining: PretrainingConfiguration = try ConfigurationLoader.load(
        yaml: nil, overrides: model + ["model.context_length=300", "data.examples_per_step=4", "evaluation.examples=0"])
    func arm(_ kind: String) throws -> FineTuningConfiguration {
        try ConfigurationLoader.load(
            yaml: nil,
            overrides: [
                "steps=2", "rollout.episodes_per_collect=2", "rollout.maximum_length=40", "penalty.kind=\(kind)",
                "evaluation.examples=0", "optimizer.learning_rate=1e-3",
            ])
    }
    return QuickExperiment.Plan(
        folder: folder, live: pretraining, shippedReference: nil, reference: pretraining,
        arms: [.standard: try arm("standard"), .prioritised: try arm("prioritised")], seeds: [1, 2], exampleCount: 5,
        divergencePromptCount: 3)
}

@Suite struct QuickExperimentTests {
    @Test func runsEverythingOnceAndThenOnlyCompares() throws {
        let temporary = try TemporaryFolder()
        let plan = try tinyPlan(in: temporary.file("demo"))
        let pool = WorkerPool(workerCount: 2)
        let first = Events()
        let outcome = try QuickExperiment(plan: plan, pool: pool, stop: StopFlag(), report: first.tell).run()
        let result = outcome.result
        #expect(result.runs.map(\.seed) == [1, 1, 2, 2])
        #expect(result.runs.map(\.penalty) == [.standard, .prioritised, .standard, .prioritised])
        #expect(result.runs.allSatisfy { $0.isVerified })
        #expect(Set(result.runs.map(\.weightsDigest)).count == 4)
        #expect(result.runs.allSatisfy { $0.history.records.map(\.step) == [1, 2] })
        #expect(result.reference.isFromScratch)
        #expect(result.sizes.crux > 0 && result.sizes.safetensors > 0)
        #expect(result.comparisons.allSatisfy { $0.standard.count == 2 && $0.difference.count == 2 })
        #expect(outcome.divergences.count == 2 && outcome.diffs.count == 2)
        #expect(outcome.diffs[.standard]?.isIdentical == false)

        let second = Events()
        let again = try QuickExperiment(plan: plan, pool: pool, stop: StopFlag(), report: second.tell).run()
        #expect(again.result == result)
        #expect(!second.all.contains { $0.contains(" step ") })
    }

    @Test func anInterruptionKeepsWhatIsDone() throws {
        let temporary = try TemporaryFolder()
        let plan = try tinyPlan(in: temporary.file("demo"))
        let pool = WorkerPool(workerCount: 1)
        let stop = StopFlag()
        #expect(throws: ExperimentInterrupted.self) {
            try QuickExperiment(plan: plan, pool: pool, stop: stop) { event in
                if case .training(.fineTuning, _) = event { stop.set() }
            }.run()
        }
        let entries = try FilePathEntries.names(in: plan.folder)
        #expect(entries.contains("policy-standard-seed1.crux") && !entries.contains("policy-prioritised-seed1.crux"))

        let uninterrupted = try QuickExperiment(
            plan: try tinyPlan(in: temporary.file("whole")), pool: pool, stop: StopFlag()
        ) { _ in }.run()
        let resumed = try QuickExperiment(plan: plan, pool: pool, stop: StopFlag()) { _ in }.run()
        #expect(resumed.result.runs.map(\.weightsDigest) == uninterrupted.result.runs.map(\.weightsDigest))
    }
}

@Suite struct MetricsHistoryTests {
    @Test func readsWhatTrainingWrites() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("run.jsonl")
        try path.writeBytes(Array("{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"loss\":1.5,\"accuracy\":1}\n".utf8))
        let history = try MetricsHistory(path: path)
        #expect(history.points(of: "loss").map(\.value) == [2.5, 1.5])
        #expect(history.points(of: "accuracy").map(\.step) == [2])
        #expect(history.mean(of: "loss", last: 1) == 1.5)
        #expect(history.mean(of: "loss", last: 10) == 2)
        #expect(history.mean(of: "reward", last: 10) == nil)
    }

    @Test func namesTheLineThatIsNotMetrics() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("run.jsonl")
        try path.writeBytes(Array("{\"step\":1}\nnonsense\n".utf8))
        let error = #expect(throws: (any Error).self) { try MetricsHistory(path: path) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("line 2") && text.contains("nonsense"), "\(text)")
    }
}
