import CheckpointFormat
import Codecs
import Kernels
import LanguageModel
public import SystemPackage
import Tasks

/// Fine-tuning with A2C and a KL penalty against the reference: one run, fresh or resumed.
public struct FineTuning: Sendable {
    /// All settings.
    public let configuration: FineTuningConfiguration

    /// A run of a validated configuration.
    public init(_ configuration: FineTuningConfiguration) { self.configuration = configuration }

    /// Trains up to the configuration's steps, saving to `path`.
    ///
    /// - Parameters:
    ///   - referencePath: The pre-trained checkpoint: where the policy starts, and what holds it.
    ///   - path: The policy's checkpoint, replaced as a whole at each save.
    ///   - resume: Whether to go on from the checkpoint at `path` instead of starting from the reference.
    ///   - metricsFile: Where JSON lines of figures go; on resume cut back to the checkpoint's steps.
    ///   - stop: When set, the run saves after its current step and returns.
    ///   - progress: Called on this thread after each step and each save.
    /// - Returns: How the run ended.
    /// - Throws: ``TrainingError``, ``ConfigurationError``, `CheckpointError`, `ModelError` or `TaskError`.
    public func run(
        reference referencePath: FilePath, checkpoint path: FilePath, resume: Bool = false,
        metricsFile: FilePath? = nil, stop: StopFlag = StopFlag(), progress: (ProgressEvent) -> Void = { _ in }
    ) throws -> TrainingSummary {
        let reference = try ReferenceModel(referencePath)
        let (configuration, trainedDigits) = try resolve(for: reference)
        let model = reference.stored.model
        let laneCount = configuration.execution.gradientLanes
        let savesBesideSteps = configuration.checkpoint.everySteps > 0
        try PhysicalMemory.check(holds: model.layout, laneCount: laneCount, savesBesideSteps: savesBesideSteps)
        let policy = ParameterGroup(layout: model.layout, laneCount: laneCount)
        let critic = Critic(
            inputSize: model.configuration.embeddingSize, hiddenSizes: configuration.critic.hiddenSizes)
        let criticGroup = ParameterGroup(
            layout: critic.layout, laneCount: laneCount,
            learningRateFactor: configuration.critic.learningRateFactor)
        let saved = TrainingState.Networks(model: policy, critic: criticGroup)
        var state = TrainingState(kind: FineTuningConfiguration.checkpointKind, configuration: configuration.yaml)
        var digest = reference.digest
        var resumed: CheckpointReader?
        if resume {
            let reader = try CheckpointReader(path: path)
            resumed = reader
            let stored = try check(reader, configuration, reference)
            try state.resume(from: reader, model: stored, networks: saved)
            digest = reader.weightsDigest.hex
        } else {
            policy.parameters.copy(from: reference.stored.parameters)
            critic.initialise(criticGroup.parameters, seed: configuration.seed)
            state.lineage = [
                (MetadataKey.parent, reference.digest), (MetadataKey.reference, reference.digest),
                (MetadataKey.pretrained, reference.pretrainedDigest),
            ]
        }
        let current = try LanguageModelCheckpoint(
            model: model, tokenizer: reference.stored.tokenizer, parameters: policy.parameters)
        let pool = Workers.pool(configuration.workers)
        let networks = PolicyNetworks(
            model: model, critic: critic, policy: policy, criticGroup: criticGroup,
            reference: reference.stored.parameters, pool: pool, tokensPerShard: configuration.execution.tokensPerShard)
        let trainer = FineTuningStep(
            configuration: configuration, task: reference.task, trainedDigits: trainedDigits, networks: networks)
        let accuracy = AccuracyFigures(
            evaluation: configuration.evaluation, task: reference.task, trainedDigits: trainedDigits,
            temperature: Float(configuration.evaluation.temperature ?? configuration.rollout.temperature),
            maximumNewTokenCount: nil, seed: configuration.seed)
        let saver = try BackgroundSaver(
            file: StateFile(
                path: path, configuration: configuration.checkpoint, reference: referencePath, resumed: resumed),
            model: current,
            networks: saved, isBesideTraining: savesBesideSteps, operations: .system)
        var log = try MetricsLog(startingWith: state.metrics, path: metricsFile)
        let loop = RunLoop(
            totalSteps: configuration.steps, evaluation: configuration.evaluation,
            checkpoint: configuration.checkpoint)
        let (ending, step, metrics) = try loop.run(
            after: state.step, log: &log, stop: stop, progress: progress,
            takeStep: { step in
                try saver.check()
                var record = try trainer.take(step, updateCount: &state.updateCount)
                saver.addPause(to: &record)
                state.tokensSeen += Int(record["tokens"] ?? 0)
                return record
            },
            evaluate: { try accuracy.add(to: &$0, generator: trainer.generator) },
            save: { step, metrics in
                state.step = step
                state.metrics = metrics
                try saver.save(state)
            })
        digest = try saver.finish()?.weightsDigest.hex ?? digest
        return TrainingSummary(ending: ending, step: step, weightsDigest: digest, metrics: metrics)
    }

    /// Settles what depends on the reference: N, and that the longest episode fits the context.
    private func resolve(
        for reference: ReferenceModel
    ) throws -> (configuration: FineTuningConfiguration, trainedDigits: Int) {
        var configuration = configuration
        guard let trainedDigits = configuration.task.trainedDigits ?? reference.trainedDigits else {
            throw TrainingError(
                .unsuitableCheckpoint(
                    path: reference.path.string, field: "crux.configuration", found: "no task.digits",
                    expected: "the configuration of a pre-training run, or a number as task.trained_digits"))
        }
        configuration.task.trainedDigits = trainedDigits
        let evaluated = configuration.evaluation.examples > 0 ? configuration.evaluation.additionalDigits : []
        let digits = trainedDigits + max(configuration.task.additionalDigits, evaluated.max() ?? 0)
        let longest =
            AdditionTask.maximumPromptLength(digits: digits) + AdditionTask.maximumAnswerLength(digits: digits) - 1
        let contextLength = reference.stored.model.configuration.contextLength
        guard longest <= contextLength else {
            throw TrainingError(
                .unsuitableCheckpoint(
                    path: reference.path.string, field: MetadataKey.contextLength, found: "\(contextLength)",
                    expected: "at least \(longest), the length of an addition of \(digits) digits"))
        }
        return (configuration, trainedDigits)
    }

    private func check(
        _ reader: CheckpointReader, _ configuration: FineTuningConfiguration, _ reference: ReferenceModel
    ) throws -> LanguageModelCheckpoint {
        var check = try ResumeCheck(reader, kind: FineTuningConfiguration.checkpointKind)
        check.expect(
            MetadataKey.reference, stored: try reader.string(MetadataKey.reference), current: reference.digest)
        try check.expect(configuration, stored: try reader.string(MetadataKey.configuration))
        try check.finish()
        let stored = try LanguageModelCheckpoint(reading: reader)
        check.expect(
            stored, configuration: reference.stored.model.configuration, tokenizer: reference.stored.tokenizer)
        try check.finish()
        return stored
    }
}
