package import CheckpointFormat
import Codecs
import Kernels
import LanguageModel
public import SystemPackage
import Tasks

/// Supervised pre-training on additions: one run, fresh or resumed.
public struct Pretraining: Sendable {
    /// All settings.
    public let configuration: PretrainingConfiguration

    /// A run of a validated configuration.
    public init(_ configuration: PretrainingConfiguration) { self.configuration = configuration }

    /// Trains up to the configuration's steps, saving to `path`.
    ///
    /// - Parameters:
    ///   - path: The checkpoint, replaced as a whole at each save.
    ///   - resume: Whether to go on from the checkpoint at `path` instead of starting afresh.
    ///   - metricsFile: Where JSON lines of figures go; on resume cut back to the checkpoint's steps.
    ///   - stop: When set, the run saves after its current step and returns.
    ///   - progress: Called on this thread after each step and each save.
    /// - Returns: How the run ended.
    /// - Throws: ``TrainingError``, ``ConfigurationError``, `CheckpointError` or `ModelError`.
    public func run(
        checkpoint path: FilePath, resume: Bool = false, metricsFile: FilePath? = nil, stop: StopFlag = StopFlag(),
        progress: (ProgressEvent) -> Void = { _ in }
    ) throws -> TrainingSummary {
        try run(
            checkpoint: path, resume: resume, metricsFile: metricsFile, stop: stop, operations: .system,
            progress: progress)
    }

    /// As ``run(checkpoint:resume:metricsFile:stop:progress:)``, with system calls of the saves that tests replace.
    package func run(
        checkpoint path: FilePath, resume: Bool, metricsFile: FilePath?, stop: StopFlag, operations: FileOperations,
        progress: (ProgressEvent) -> Void
    ) throws -> TrainingSummary {
        let task = AdditionTask(vocabulary: configuration.task.vocabulary)
        let model = try GPT(configuration.modelConfiguration)
        let savesBesideSteps = configuration.checkpoint.everySteps > 0
        try PhysicalMemory.check(
            holds: model.layout, laneCount: configuration.execution.gradientLanes, savesBesideSteps: savesBesideSteps)
        let group = ParameterGroup(layout: model.layout, laneCount: configuration.execution.gradientLanes)
        let networks = TrainingState.Networks(model: group, critic: nil)
        var state = TrainingState(kind: PretrainingConfiguration.checkpointKind, configuration: configuration.yaml)
        var digest = ""
        var resumed: CheckpointReader?
        if resume {
            let reader = try CheckpointReader(path: path)
            resumed = reader
            var check = try ResumeCheck(reader, kind: state.kind)
            try check.expect(configuration, stored: try reader.string(MetadataKey.configuration))
            try check.finish()
            let saved = try LanguageModelCheckpoint(reading: reader)
            check.expect(saved, configuration: model.configuration, tokenizer: .character(task.tokenizer))
            try check.finish()
            try state.resume(from: reader, model: saved, networks: networks)
            digest = reader.weightsDigest.hex
        } else {
            model.initialise(group.parameters, seed: configuration.seed)
        }
        let current = try LanguageModelCheckpoint(model: model, tokenizer: task.tokenizer, parameters: group.parameters)
        let pool = Workers.pool(configuration.workers)
        let trainer = PretrainingStep(
            model: model, group: group, data: PretrainingData(task: task, configuration: configuration),
            configuration: configuration, pool: pool)
        let accuracy = AccuracyFigures(
            evaluation: configuration.evaluation, task: task, trainedDigits: configuration.task.digits,
            temperature: Float(configuration.evaluation.temperature ?? 0), maximumNewTokenCount: nil,
            seed: configuration.seed)
        let generator = Generator(model: model, parameters: group.parameters, pool: pool)
        let saver = try BackgroundSaver(
            file: StateFile(
                path: path, configuration: configuration.checkpoint, resumed: resumed), model: current,
            networks: networks, isBesideTraining: savesBesideSteps, operations: operations)
        var log = try MetricsLog(startingWith: state.metrics, path: metricsFile)
        let loop = RunLoop(
            totalSteps: configuration.steps, evaluation: configuration.evaluation,
            checkpoint: configuration.checkpoint)
        let (ending, step, metrics) = try loop.run(
            after: state.step, log: &log, stop: stop, progress: progress,
            takeStep: { step in
                try saver.check()
                var record = try trainer.take(step)
                saver.addPause(to: &record)
                state.tokensSeen += Int(record["tokens"] ?? 0)
                return record
            },
            evaluate: { try accuracy.add(to: &$0, generator: generator) },
            save: { step, metrics in
                state.step = step
                state.updateCount = step
                state.metrics = metrics
                try saver.save(state)
            })
        digest = try saver.finish()?.weightsDigest.hex ?? digest
        return TrainingSummary(ending: ending, step: step, weightsDigest: digest, metrics: metrics)
    }
}
