import CheckpointFormat
import Codecs
import Kernels
import LanguageModel
import SystemPackage
import Tasks

/// A fine-tuning in memory.
final class FineTuningSession: TrainingSession {
    let configuration: FineTuningConfiguration
    var state: TrainingState
    let networks: TrainingState.Networks
    let model: LanguageModelCheckpoint
    private let trainer: FineTuningStep
    private let accuracy: AccuracyFigures

    /// Starts from the reference, or takes over a saved run.
    ///
    /// - Parameters:
    ///   - settings: Validated; what depends on the reference is settled here.
    ///   - reader: The checkpoint to go on from; nil to start from the reference.
    /// - Throws: ``TrainingError``, ``ConfigurationError``, `CheckpointError` or `ModelError`.
    init(_ settings: FineTuningConfiguration, reference: ReferenceModel, resuming reader: CheckpointReader?) throws {
        let (configuration, trainedDigits) = try Self.settle(settings, for: reference)
        self.configuration = configuration
        let gpt = reference.stored.model
        try configuration.memoryPlan(gpt, trainedDigits: trainedDigits).check(parameterCount: gpt.layout.count)
        let policy = ParameterGroup(layout: gpt.layout, laneCount: configuration.execution.gradientLanes)
        let value = configuration.makeCritic(for: gpt).map { critic in
            ValueNetwork(
                critic: critic,
                group: ParameterGroup(
                    layout: critic.layout, laneCount: configuration.execution.gradientLanes,
                    learningRateFactor: configuration.critic.learningRateFactor))
        }
        networks = TrainingState.Networks(model: policy, critic: value?.group)
        state = TrainingState(of: configuration)
        if let reader {
            let stored = try Self.check(reader, configuration, reference)
            try state.resume(from: reader, model: stored, networks: networks)
        } else {
            policy.parameters.copy(from: reference.stored.parameters)
            if let value { value.critic.initialise(value.group.parameters, seed: configuration.seed) }
            state.lineage = [
                (MetadataKey.parent, reference.digest), (MetadataKey.reference, reference.digest),
                (MetadataKey.pretrained, reference.pretrainedDigest),
            ]
        }
        model = try LanguageModelCheckpoint(
            model: gpt, tokenizer: reference.stored.tokenizer, parameters: policy.parameters)
        let pool = Workers.pool(configuration.workers)
        trainer = FineTuningStep(
            configuration: configuration, task: reference.task, trainedDigits: trainedDigits,
            networks: PolicyNetworks(
                model: gpt, policy: policy, value: value, reference: reference.stored.parameters, pool: pool,
                tokensPerShard: configuration.execution.tokensPerShard))
        accuracy = AccuracyFigures(
            evaluation: configuration.evaluation, task: reference.task, trainedDigits: trainedDigits,
            temperature: Float(configuration.evaluation.temperature ?? configuration.rollout.temperature),
            maximumNewTokenCount: nil, seed: configuration.seed)
    }

    var metricNames: [String] {
        ["reward", "success_rate", "unfinished_rate", "episode_length", "entropy"] + PolicyMeasurements.divergenceNames
            + accuracy.names
    }

    func take(_ step: Int) throws -> MetricsRecord {
        let record = try trainer.take(step, updateCount: &state.updateCount)
        state.tokensSeen += Int(record["tokens"] ?? 0)
        state.step = step
        return record
    }

    func evaluate(into record: inout MetricsRecord, stop: StopFlag) throws {
        try accuracy.add(to: &record, generator: trainer.generator, stop: stop)
    }

    /// Settles what depends on the reference: N, and that the longest episode fits the context.
    static func settle(
        _ settings: FineTuningConfiguration, for reference: ReferenceModel
    ) throws -> (configuration: FineTuningConfiguration, trainedDigits: Int) {
        var configuration = settings
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
        let prompt = AdditionTask.maximumPromptLength(digits: trainedDigits + configuration.task.additionalDigits)
        if let maximumLength = configuration.rollout.maximumLength, maximumLength > contextLength - prompt {
            throw TrainingError(
                .unsuitableCheckpoint(
                    path: reference.path.string, field: MetadataKey.contextLength, found: "\(contextLength)",
                    expected: "at least \(prompt) + \(maximumLength), the longest prompt and rollout.maximum_length"))
        }
        return (configuration, trainedDigits)
    }

    private static func check(
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
