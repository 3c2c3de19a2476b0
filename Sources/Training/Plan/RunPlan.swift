public import LanguageModel

/// What a run is going to take, found out before it writes anything.
public struct RunPlan: Hashable, Sendable, Encodable {
    /// A part of the run that repeats, and what one takes.
    public struct Repetition: Hashable, Sendable, Encodable {
        /// How many are left.
        public let count: Int
        /// Seconds for each.
        public let seconds: Double
        /// Seconds for all.
        public let totalSeconds: Double

        init(count: Int, seconds: Double) {
            self.count = count
            self.seconds = seconds
            totalSeconds = Double(count) * seconds
        }
    }

    /// The version of this structure as JSON; a change of meaning or a removed field raises it.
    public let schemaVersion = 1
    /// The model's size.
    public let model: ModelConfiguration
    /// Its parameters.
    public let parameterCount: Int
    /// The critic's; nil where there is none.
    public let criticParameterCount: Int?
    /// The memory that the run holds.
    public let memory: MemoryPlan
    /// The bytes of a whole save before they are compressed.
    public let checkpointByteCount: Int
    /// Threads.
    public let workerCount: Int
    /// The step at which the run starts: 0, or that of the checkpoint that it goes on from.
    public let firstStep: Int
    /// Tokens trained on in a step, on average.
    public let tokensPerStep: Double
    /// Floating-point operations for a token of a step, forward and backward; for RL without the rollouts.
    public let operationsPerToken: Double
    /// The steps that are left, measured.
    public let steps: Repetition
    /// The evaluations that are left, measured; answers of an untrained model are as long as they can be.
    public let evaluations: Repetition
    /// How many sequences or episodes the measured steps had.
    public let measuredCount: Int
    /// How many they have in the run.
    public let countPerStep: Int

    /// The operations of a step.
    public var operationsPerStep: Double { operationsPerToken * tokensPerStep }
    /// Seconds until the run ends.
    public var totalSeconds: Double { steps.totalSeconds + evaluations.totalSeconds }
}

/// Takes steps of a run on a small scale and tells what the run itself will take.
struct Calibration<Session: TrainingSession> {
    /// The sequences or episodes of the run's steps.
    let countPerStep: Int
    /// The fewest that keep all workers busy.
    let smallestCount: Int
    /// The run with as many in a step, and as many examples in an evaluation, in memory.
    let session: (_ count: Int, _ exampleCount: Int) throws -> Session

    /// Whole steps are taken where they are expected to take no longer than this.
    private static var secondsForWholeSteps: Double { 3 }

    /// What was measured.
    struct Result {
        /// Seconds for a step of the run.
        let secondsPerStep: Double
        /// Seconds for an evaluation of the run.
        let secondsPerEvaluation: Double
        /// Tokens of a step of the run.
        let tokensPerStep: Double
        /// The sequences or episodes of the measured steps.
        let measuredCount: Int
    }

    /// Measures.
    ///
    /// - Throws: What the run's steps throw.
    func run(evaluation: EvaluationConfiguration) throws -> Result {
        var count = min(countPerStep, smallestCount)
        var measured = try measure(count, evaluation)
        if count < countPerStep, measured.seconds * Double(countPerStep) / Double(count) < Self.secondsForWholeSteps {
            count = countPerStep
            measured = try measure(count, evaluation)
        }
        let scale = Double(countPerStep) / Double(count)
        return Result(
            secondsPerStep: measured.seconds * scale, secondsPerEvaluation: measured.evaluationSeconds,
            tokensPerStep: measured.tokens * scale, measuredCount: count)
    }

    /// The medians of a few steps after one to warm up, and an evaluation of a few examples, taken as all.
    private func measure(
        _ count: Int, _ evaluation: EvaluationConfiguration
    ) throws -> (seconds: Double, tokens: Double, evaluationSeconds: Double) {
        let exampleCount = min(evaluation.examples, 8)
        let session = try session(count, exampleCount)
        _ = try session.take(session.state.step + 1)
        var (seconds, tokens): ([Double], [Double]) = ([], [])
        while seconds.count < 5, seconds.reduce(0, +) < 1 {
            let start = ContinuousClock.now
            let record = try session.take(session.state.step + 1)
            seconds.append((ContinuousClock.now - start).seconds)
            tokens.append(record["tokens"] ?? 0)
        }
        let start = ContinuousClock.now
        if exampleCount > 0 {
            var record = MetricsRecord(step: session.state.step)
            try session.evaluate(into: &record, stop: StopFlag())
        }
        let scale = Double(evaluation.examples) / Double(max(1, exampleCount))
        return (
            seconds.sorted()[seconds.count / 2], tokens.reduce(0, +) / Double(tokens.count),
            (ContinuousClock.now - start).seconds * scale
        )
    }
}

extension RunConfiguration {
    /// The evaluations after a step: at the cadence, and after the last step.
    func evaluationCount(after firstStep: Int) -> Int {
        guard evaluation.examples > 0, steps > firstStep else { return 0 }
        let every = evaluation.everySteps
        guard every > 0 else { return 1 }
        return steps / every - firstStep / every + (steps % every == 0 ? 0 : 1)
    }
}
