/// What a run tells while it goes on.
public struct ProgressEvent: Sendable {
    /// What just happened.
    public enum Kind: Hashable, Sendable {
        /// A step ended; its figures are in ``ProgressEvent/metrics``.
        case step
        /// The state was taken for a save, which goes on beside the next steps; when the run returns, it is on the disk.
        case saved
    }

    /// What just happened.
    public let kind: Kind
    /// The last finished step.
    public let step: Int
    /// Steps of the whole run.
    public let totalSteps: Int
    /// The step at which this call started: 0, or that of the resumed checkpoint.
    public let firstStep: Int
    /// Seconds since this call started its first step.
    public let elapsedSeconds: Double
    /// The step's figures.
    public let metrics: MetricsRecord

    /// Seconds that the remaining steps take at the speed so far; nil before the first step.
    public var remainingSeconds: Double? {
        step > firstStep ? elapsedSeconds / Double(step - firstStep) * Double(totalSteps - step) : nil
    }
}

/// How a run ended.
public struct TrainingSummary: Sendable {
    /// Why a run ended.
    public enum Ending: Hashable, Sendable {
        /// All steps are done.
        case completed
        /// The stop flag was set; the state is saved.
        case interrupted
    }

    /// Why the run ended.
    public let ending: Ending
    /// The last finished step, which the checkpoint holds.
    public let step: Int
    /// The digest of the saved weights, in hexadecimal.
    public let weightsDigest: String
    /// The figures of the last step; nil where this call took none.
    public let metrics: MetricsRecord?
}

/// The frame of every run: steps, evaluations, the metrics log, checkpoints, interruption.
struct RunLoop {
    var totalSteps: Int
    var evaluation: EvaluationConfiguration
    var checkpoint: CheckpointConfiguration

    /// Runs the steps after `firstStep`.
    ///
    /// - Parameters:
    ///   - takeStep: Trains one step and returns its figures.
    ///   - evaluate: Adds figures of an evaluation.
    ///   - save: Saves the state after a step with the log so far.
    /// - Returns: The ending, the last finished step and its figures.
    func run(
        after firstStep: Int, log: inout MetricsLog, stop: StopFlag, progress: (ProgressEvent) -> Void,
        takeStep: (Int) throws -> MetricsRecord, evaluate: (inout MetricsRecord) throws -> Void,
        save: (Int, String) throws -> Void
    ) throws -> (ending: TrainingSummary.Ending, step: Int, metrics: MetricsRecord?) {
        if firstStep == 0, totalSteps == 0 { try save(0, log.text) }
        guard firstStep < totalSteps else { return (.completed, firstStep, nil) }
        let start = ContinuousClock.now
        var last: MetricsRecord?
        for step in (firstStep + 1)...totalSteps {
            var record = try takeStep(step)
            if isDue(every: evaluation.everySteps, at: step), evaluation.examples > 0 { try evaluate(&record) }
            try log.append(record)
            last = record
            func report(_ kind: ProgressEvent.Kind) {
                progress(
                    ProgressEvent(
                        kind: kind, step: step, totalSteps: totalSteps, firstStep: firstStep,
                        elapsedSeconds: (ContinuousClock.now - start).seconds, metrics: record))
            }
            report(.step)
            let isStopping = stop.isSet && step < totalSteps
            if isStopping || isDue(every: checkpoint.everySteps, at: step) {
                try save(step, log.text)
                report(.saved)
            }
            if isStopping { return (.interrupted, step, last) }
        }
        return (.completed, totalSteps, last)
    }

    private func isDue(every cadence: Int, at step: Int) -> Bool {
        step == totalSteps || (cadence > 0 && step % cadence == 0)
    }
}

extension Duration {
    /// The duration as a number.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
