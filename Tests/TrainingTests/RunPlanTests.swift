import CheckpointFormat
import LanguageModel
import SystemPackage
import Tasks
import TestSupport
import Testing
import Training

@Suite("Planning a run")
struct RunPlanTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("A pre-training's parameters, memory and steps, and no file")
    func pretraining() throws {
        let configuration = try TinyRuns.pretraining([
            "steps=10", "evaluation.examples=4", "evaluation.every_steps=4", "checkpoint.every_steps=2",
        ])
        let plan = try Pretraining(configuration).plan()
        #expect(try folder.entries() == [])
        let count = try GPT(configuration.modelConfiguration).layout.count
        #expect(plan.parameterCount == count)
        #expect(plan.criticParameterCount == nil)
        #expect(
            plan.memory.parts.prefix(4).map(\.byteCount) == [4 * count, 3 * 4 * count, 2 * 4 * count, 3 * 4 * count])
        #expect(plan.memory.byteCount == plan.memory.parts.reduce(0) { $0 + $1.byteCount })
        #expect(plan.checkpointByteCount == 12 * count)
        #expect(plan.steps.count == 10)
        #expect(plan.evaluations.count == 3, "after steps 4, 8 and 10")
        #expect(plan.steps.seconds > 0 && plan.evaluations.seconds > 0)
        #expect(plan.totalSeconds == plan.steps.totalSeconds + plan.evaluations.totalSeconds)
        #expect(plan.measuredCount == 6 && plan.countPerStep == 6)
        // One-digit additions are of about the same length whatever is drawn.
        let trained = try Pretraining(configuration).run(checkpoint: folder.file("run.crux"))
        let tokens = try #require(trained.metrics?["tokens"])
        #expect(abs(plan.tokensPerStep - tokens) < 0.2 * tokens)
    }

    @Test("A fine-tuning's plan has critic, reference and rollouts; a resume has the steps that are left")
    func fineTuning() throws {
        let reference = folder.file("base.crux")
        _ = try Pretraining(TinyRuns.pretraining(["steps=2"])).run(checkpoint: reference)
        let run = folder.file("policy.crux")
        _ = try FineTuning(TinyRuns.fineTuning(["steps=1"])).run(reference: reference, checkpoint: run)
        let entries = try folder.entries()
        let plan = try FineTuning(TinyRuns.fineTuning()).plan(reference: reference, resuming: run)
        #expect(try folder.entries() == entries)
        #expect(plan.firstStep == 1 && plan.steps.count == 3 && plan.evaluations.count == 0)
        #expect(plan.criticParameterCount == 32 * 8 + 8 + 8 + 1)
        #expect(plan.memory.parts.contains { $0.name == "reference" })
        let withoutCritic = try FineTuning(TinyRuns.fineTuning(["loss.algorithm=policy-gradient"])).plan(
            reference: reference)
        #expect(withoutCritic.criticParameterCount == nil)
        #expect(withoutCritic.memory.byteCount < plan.memory.byteCount)
    }

    @Test("A critic that the machine cannot hold is refused by name, before it is built")
    func criticTooLarge() throws {
        let reference = folder.file("base.crux")
        _ = try Pretraining(TinyRuns.pretraining(["steps=2"])).run(checkpoint: reference)
        let settings = try TinyRuns.fineTuning([
            "critic.hidden_sizes=[65536, 65536, 65536, 65536, 65536, 65536, 65536, 65536, 65536]",
            "execution.gradient_lanes=64",
        ])
        let error = #expect(throws: TrainingError.self) {
            try FineTuning(settings).run(reference: reference, checkpoint: folder.file("x.crux"))
        }
        #expect(error?.description.contains("most of them for critic: gradients of the lanes") == true)
        #expect(try !folder.entries().contains("x.crux"))
    }

    @Test("A rollout longer than the context is refused before any work")
    func rolloutTooLong() throws {
        let reference = folder.file("base.crux")
        _ = try Pretraining(TinyRuns.pretraining(["steps=2"])).run(checkpoint: reference)
        let settings = try TinyRuns.fineTuning(["rollout.maximum_length=250"])
        let error = #expect(throws: TrainingError.self) {
            try FineTuning(settings).run(reference: reference, checkpoint: folder.file("x.crux"))
        }
        let prompt = AdditionTask.maximumPromptLength(digits: 2)
        #expect(
            error?.description
                == "\(reference): model.context_length: found 256, expected at least \(prompt) + 250, the longest prompt "
                + "and rollout.maximum_length")
        #expect(try !folder.entries().contains("x.crux"))
    }
}
