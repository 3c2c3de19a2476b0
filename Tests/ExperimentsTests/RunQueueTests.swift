import CheckpointFormat
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing
import Training

import Experiments

/// The events of a queue, in words.
private final class QueueEvents: Sendable {
    private let list = Mutex<[String]>([])

    func tell(_ event: RunQueue.Event) {
        // A step may be followed by a save, which is an event of its own.
        if case .training(_, let progress) = event, progress.kind == .saved { return }
        let text =
            switch event {
            case .skipped(let run): "skipped \(run.name)"
            case .started(let run): "started \(run.name)"
            case .training(let run, let progress): "step \(progress.step) of \(run.name)"
            case .measuring(let run): "asked \(run.name)"
            case .finished(let run): "finished \(run.name)"
            case .failed(let run, let reason): "failed \(run.name): \(reason)"
            }
        list.withLock { $0.append(text) }
    }

    var all: [String] { list.withLock { $0 } }
    func all(_ prefix: String) -> [String] { all.filter { $0.hasPrefix(prefix) } }
}

private let tinyModel = [
    "model.layer_count=1", "model.head_count=2", "model.embedding_size=16", "task.digits=1", "data.examples_per_step=4",
    "evaluation.examples=0", "steps=2",
]

/// RL from two pre-trained models, of one and two digits: every kind of run, with dependencies.
private func tinyLevels(steps: Int = 3) throws -> ExperimentPlan {
    .levels(
        pretraining: try ConfigurationLoader.load(yaml: nil, overrides: tinyModel), given: [:],
        settings: try ConfigurationLoader.load(
            yaml: nil,
            overrides: [
                "steps=\(steps)", "rollout.episodes_per_collect=2", "rollout.maximum_length=30",
                "evaluation.examples=2",
                "checkpoint.every_steps=1", "optimizer.learning_rate=1e-3",
            ]), digits: [1, 2], additionalDigits: [1], seeds: [1, 2], exampleCount: 3)
}

private func work(
    on plan: ExperimentPlan, in folder: ExperimentFolder, jobs: Int = 2, stop: StopFlag = StopFlag(),
    _ report: @escaping @Sendable (RunQueue.Event) -> Void
) throws {
    try RunQueue(plan.runs, in: folder, jobs: jobs, workersPerRun: 1, stop: stop, report: report).run()
}

private func digests(of plan: ExperimentPlan, in folder: ExperimentFolder) throws -> [String?] {
    try plan.runs.map { try RunState($0, in: folder).measures?.weightsDigest }
}

@Suite struct RunQueueTests {
    @Test func doesEverythingOnceInOrderOfDependence() throws {
        let temporary = try TemporaryFolder()
        let folder = ExperimentFolder(temporary.file("levels"))
        let plan = try tinyLevels()
        #expect(plan.runs.count == 6)
        let first = QueueEvents()
        try work(on: plan, in: folder, first.tell)
        #expect(first.all("finished").count == 6)
        let order = first.all
        let trained = try #require(order.firstIndex(of: "finished n2-seed1"))
        let tuned = try #require(order.firstIndex(of: "started n2-plus1-seed1"))
        #expect(trained < tuned)

        let second = QueueEvents()
        try work(on: plan, in: folder, second.tell)
        #expect(second.all("skipped").count == 6 && second.all.count == 6)
        // A file for everything, and settings that can be read again.
        let run = folder.run("n1-plus1-seed2")
        let stored = String(decoding: try run.configuration.readBytes(), as: UTF8.self)
        let configuration: FineTuningConfiguration = try ConfigurationLoader.load(yaml: stored)
        #expect(configuration.seed == 2)
        #expect(try MetricsHistory(path: run.metrics).records.map(\.step) == [1, 2, 3])
    }

    @Test func theNumberOfJobsDoesNotShow() throws {
        let temporary = try TemporaryFolder()
        let plan = try tinyLevels()
        let (one, three) = (ExperimentFolder(temporary.file("one")), ExperimentFolder(temporary.file("three")))
        try work(on: plan, in: one, jobs: 1) { _ in }
        try work(on: plan, in: three, jobs: 3) { _ in }
        #expect(try digests(of: plan, in: one) == digests(of: plan, in: three))
    }

    @Test func anInterruptedRunGoesOnWhereItWas() throws {
        let temporary = try TemporaryFolder()
        let plan = try tinyLevels()
        let (folder, whole) = (ExperimentFolder(temporary.file("cut")), ExperimentFolder(temporary.file("whole")))
        let stop = StopFlag()
        #expect(throws: ExperimentInterrupted.self) {
            try work(on: plan, in: folder, jobs: 1, stop: stop) { event in
                if case .training(let run, let progress) = event, run.name == "n2-plus1-seed1", progress.step == 2 {
                    stop.set()
                }
            }
        }
        let cut = try #require(plan.runs.first { $0.name == "n2-plus1-seed1" })
        #expect(try RunState(cut, in: folder).progress == .trained(step: 2))
        let events = QueueEvents()
        try work(on: plan, in: folder, events.tell)
        #expect(events.all("step").filter { $0.hasSuffix("n2-plus1-seed1") } == ["step 3 of n2-plus1-seed1"])
        try work(on: plan, in: whole) { _ in }
        #expect(try digests(of: plan, in: folder) == digests(of: plan, in: whole))
    }

    @Test func aRunThatFailsHoldsOnlyWhatNeedsItUp() throws {
        let temporary = try TemporaryFolder()
        let folder = ExperimentFolder(temporary.file("broken"))
        let plan = try tinyLevels()
        let broken = folder.run("n2-seed1")
        try FileManager.default.createDirectory(atPath: broken.path.string, withIntermediateDirectories: true)
        try broken.checkpoint.writeBytes(Array("not a checkpoint".utf8))
        let events = QueueEvents()
        let error = #expect(throws: ExperimentError.self) { try work(on: plan, in: folder, events.tell) }
        #expect("\(try #require(error))".contains("n2-seed1"))
        #expect(
            events.all("finished").sorted() == [
                "finished n1-plus1-seed1", "finished n1-plus1-seed2", "finished n1-seed1",
            ])
        #expect(events.all("started").allSatisfy { !$0.contains("n2-plus1") })
    }

    @Test func twoProcessesDoNotShareAFolder() throws {
        let temporary = try TemporaryFolder()
        let folder = ExperimentFolder(temporary.file("shared"))
        let lock = try folder.lock()
        let error = #expect(throws: ExperimentError.self) { _ = try folder.lock() }
        #expect("\(try #require(error))".contains("another process works there"))
        withExtendedLifetime(lock) {}
    }

    @Test func otherQuestionsAreAskedWithoutTrainingAgain() throws {
        let temporary = try TemporaryFolder()
        let folder = ExperimentFolder(temporary.file("more"))
        let plan = try tinyLevels()
        try work(on: plan, in: folder) { _ in }
        let more = plan.runs.map {
            ExperimentRun(
                name: $0.name, work: $0.work, trainedDigits: $0.trainedDigits, setups: $0.setups, exampleCount: 4)
        }
        let events = QueueEvents()
        try RunQueue(more, in: folder, jobs: 2, workersPerRun: 1, stop: StopFlag(), report: events.tell).run()
        #expect(events.all("step").isEmpty && events.all("finished").count == 6)
    }
}

@Suite struct ExperimentResultTests {
    @Test func reportsWhatIsThereWhileRunsAreUnderWay() throws {
        let temporary = try TemporaryFolder()
        let folder = ExperimentFolder(temporary.file("levels"))
        let plan = try tinyLevels()
        let nothing = try ExperimentResult(plan, in: folder)
        #expect(nothing.runs.allSatisfy { !$0.isFinished && $0.finishedSteps == 0 })
        #expect(nothing.groups.allSatisfy { $0.curves.isEmpty && $0.figures.isEmpty })
        let stop = StopFlag()
        _ = try? work(on: plan, in: folder, jobs: 1, stop: stop) { event in
            if case .finished(let run) = event, run.name == "n1-plus1-seed1" { stop.set() }
        }
        // As a process that was killed in the middle of a line leaves it.
        let cut = folder.run("n1-plus1-seed1").metrics
        try cut.writeBytes(try cut.readBytes() + Array("{\"step\":9,\"succ".utf8))
        let some = try ExperimentResult(plan, in: folder)
        #expect(some.runs.count { $0.isFinished } == 3)
        #expect(some.groups[0].curves.first?.points.map(\.step) == [1, 2, 3])
        #expect(some.groups[0].figures.first?.value.count == 1)
        #expect(some.groups[1].figures.isEmpty)
    }

    @Test func comparesPenaltiesSeedBySeed() throws {
        let temporary = try TemporaryFolder()
        let folder = ExperimentFolder(temporary.file("kl"))
        let reference = temporary.file("reference.crux")
        _ = try Pretraining(
            try ConfigurationLoader.load(yaml: nil, overrides: tinyModel)
        ).run(checkpoint: reference)
        let plan = try ExperimentPlan.klPenalty(
            reference: reference,
            settings: try ConfigurationLoader.load(
                yaml: nil,
                overrides: [
                    "steps=2", "rollout.episodes_per_collect=2", "rollout.maximum_length=30", "evaluation.examples=2",
                    "optimizer.learning_rate=1e-3",
                ]),
            arms: [.standard, .prioritised(.negentropy, beta: 150), .prioritised(.maximumProbability, beta: 10)],
            seeds: [1, 2], exampleCount: 3)
        #expect(plan.groups.map(\.name) == ["standard", "negentropy-beta150", "maximum-probability-beta10"])
        // Seed by seed, so that whole pairs are done first.
        #expect(
            plan.runs.map(\.name).prefix(5) == [
                "reference", "standard-seed1", "negentropy-beta150-seed1", "maximum-probability-beta10-seed1",
                "standard-seed2",
            ])
        try work(on: plan, in: folder) { _ in }
        let result = try ExperimentResult(plan, in: folder)
        #expect(result.baselines.first?.isFinished == true)
        let compared = Set(result.comparisons.filter { $0.group == "negentropy-beta150" }.map(\.figure))
        // Answers of so few tokens have no critical ones.
        #expect(
            Set(plan.figures.map(\.name)).subtracting(compared).allSatisfy { $0.hasPrefix("P(right token at critical") }
        )
        #expect(compared.contains("forgetting: accuracy on 1 … 1 digits, greedy, mean"))
        #expect(result.comparisons.allSatisfy { $0.control == "standard" && $0.test.difference.count == 2 })
        let weights = try result.groups.map { group in
            try #require(group.curves.first { $0.figure.metric == "penalty_weight" }?.points.first?.value.mean)
        }
        #expect(weights[0] == 1 && weights[1] < 1 && weights[2] < 1 && weights[1] != weights[2])
        let digests = result.groups.flatMap(\.runs).compactMap(\.weightsDigest)
        // Both prioritised arms hold an untrained model next to nothing, the standard one does.
        #expect(digests.count == 6 && Set(digests).count >= 4)
    }

    @Test func askingBeyondTheContextLeavesTheCellOut() throws {
        let temporary = try TemporaryFolder()
        let path = temporary.file("given.crux")
        _ = try Pretraining(
            try ConfigurationLoader.load(yaml: nil, overrides: tinyModel + ["model.context_length=176"])
        ).run(checkpoint: path)
        let plan = ExperimentPlan.pretraining(
            settings: PretrainingConfiguration(), digits: [1], given: [1: path], seeds: [1], exampleCount: 2)
        let folder = ExperimentFolder(temporary.file("experiment"))
        try work(on: plan, in: folder) { _ in }
        let run = try #require(try ExperimentResult(plan, in: folder).runs.first)
        #expect(run.isFinished)
        #expect(run.figures["N, fixed"] != nil && run.figures["N+1, varying"] != nil)
        #expect(run.figures["N+2, fixed"] == nil && run.figures["N+3, varying"] == nil)
        // What cannot be asked is not tried again.
        let events = QueueEvents()
        try work(on: plan, in: folder, events.tell)
        #expect(events.all == ["skipped n1-given"])
    }

    @Test func longerContextsAreMadeForFartherQuestions() throws {
        let plan = ExperimentPlan.pretraining(
            settings: PretrainingConfiguration(), digits: [9], given: [:], seeds: [1, 2], exampleCount: 2)
        #expect(plan.runs.map(\.name) == ["n9-seed1", "n9-seed2"])
        guard case .pretraining(let configuration) = try #require(plan.runs.first).work else {
            Issue.record("not a pre-training")
            return
        }
        #expect(configuration.task.digits == 9)
        #expect(configuration.model.contextLength >= 1096)
    }
}
