import CheckpointFormat
import Codecs
import LanguageModel
import SystemPackage

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
        /// The metric has not got better for as long as the settings have patience; the state is saved.
        case stoppedEarly
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
struct RunLoop<Session: TrainingSession> {
    private let session: Session
    private let saver: BackgroundSaver
    private let name: String
    private let totalSteps: Int
    private let evaluation: EvaluationConfiguration
    private let checkpoint: CheckpointConfiguration
    private let firstDigest: String

    /// Runs a session.
    ///
    /// - Parameters:
    ///   - path: The checkpoint, replaced as a whole at each save.
    ///   - reference: The checkpoint that the run started from, where there is one.
    ///   - reader: The checkpoint that the session goes on from.
    ///   - operations: The system calls of the saves.
    /// - Throws: ``TrainingError`` where that one does not tell of its saves in the right form; ``ModelError``.
    init(
        session: Session, checkpoint path: FilePath, reference: FilePath? = nil, resumed reader: CheckpointReader?,
        operations: FileOperations
    ) throws {
        self.session = session
        name = path.stem ?? "run"
        totalSteps = session.configuration.steps
        evaluation = session.configuration.evaluation
        checkpoint = session.configuration.checkpoint
        firstDigest = reader?.weightsDigest.hex ?? ""
        saver = try BackgroundSaver(
            file: StateFile(path: path, configuration: checkpoint, reference: reference, resumed: reader),
            model: session.model, networks: session.networks, isBesideTraining: checkpoint.savesBesideSteps,
            operations: operations)
    }

    /// Takes the steps that are left.
    func run(
        metricsFile: FilePath?, tensorBoardFolder: FilePath?, stop: StopFlag, progress: (ProgressEvent) -> Void
    ) throws -> TrainingSummary {
        if let metric = evaluation.metric, !session.metricNames.contains(metric) {
            throw TrainingError(.unknownMetric(name: metric, known: session.metricNames))
        }
        var log = try MetricsLog(
            startingWith: session.state.metrics, path: metricsFile, tensorBoardFolder: tensorBoardFolder,
            name: name)
        let firstStep = session.state.step
        var best = BestEvaluation(evaluation, log: log.text) { isDue(every: evaluation.everySteps, at: $0) }
        if firstStep == 0, totalSteps == 0 { try save(log, isBest: false) }
        let start = ContinuousClock.now
        var last: MetricsRecord?
        while session.state.step < totalSteps {
            if best.isOutOfPatience { return try summary(.stoppedEarly, last) }
            try saver.check()
            let step = session.state.step + 1
            var record = try naming(step) { try session.take(step) }
            saver.addPause(to: &record)
            let isEvaluation = isDue(every: evaluation.everySteps, at: step)
            if isEvaluation, evaluation.examples > 0 {
                try naming(step) { try session.evaluate(into: &record, stop: stop) }
            }
            let isBest = isEvaluation && best.note(record) && checkpoint.keepBest
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
            if isStopping || isBest || best.isOutOfPatience || isDue(every: checkpoint.everySteps, at: step) {
                try save(log, isBest: isBest)
                report(.saved)
            }
            if isStopping { return try summary(.interrupted, last) }
        }
        return try summary(.completed, last)
    }

    /// Says which tensor is no number where generation could only say that the logits are none.
    private func naming<R>(_ step: Int, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let error as ModelError {
            guard let tensor = session.networks.firstNotFinite else { throw error }
            throw TrainingError(.notFinite(quantity: tensor, step: step))
        }
    }

    private func summary(_ ending: TrainingSummary.Ending, _ metrics: MetricsRecord?) throws -> TrainingSummary {
        let digest = try saver.finish()?.weightsDigest.hex ?? firstDigest
        return TrainingSummary(ending: ending, step: session.state.step, weightsDigest: digest, metrics: metrics)
    }

    private func isDue(every cadence: Int, at step: Int) -> Bool {
        step == totalSteps || (cadence > 0 && step % cadence == 0)
    }

    private func save(_ log: borrowing MetricsLog, isBest: Bool) throws {
        session.state.metrics = log.text
        try saver.save(session.state, isBest: isBest)
    }
}

extension Duration {
    /// The duration as a number.
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
