import CheckpointFormat
import Codecs
import Kernels
import LanguageModel
import Tasks

/// A pre-training in memory.
final class PretrainingSession: TrainingSession {
    let configuration: PretrainingConfiguration
    var state: TrainingState
    let networks: TrainingState.Networks
    let model: LanguageModelCheckpoint
    private let trainer: PretrainingStep
    private let accuracy: AccuracyFigures
    private let generator: Generator

    /// Starts afresh, or takes over a saved run.
    ///
    /// - Parameter reader: The checkpoint to go on from; nil to start afresh.
    /// - Throws: ``TrainingError``, ``ConfigurationError``, `CheckpointError` or `ModelError`.
    init(_ configuration: PretrainingConfiguration, resuming reader: CheckpointReader?) throws {
        self.configuration = configuration
        let task = AdditionTask(vocabulary: configuration.task.vocabulary)
        let gpt = try GPT(configuration.modelConfiguration)
        try configuration.memoryPlan(gpt).check(parameterCount: gpt.layout.count)
        let group = ParameterGroup(layout: gpt.layout, laneCount: configuration.execution.gradientLanes)
        networks = TrainingState.Networks(model: group, critic: nil)
        state = TrainingState(of: configuration)
        if let reader {
            var check = try ResumeCheck(reader, kind: state.kind)
            try check.expect(configuration, stored: try reader.string(MetadataKey.configuration))
            try check.finish()
            let saved = try LanguageModelCheckpoint(reading: reader)
            check.expect(saved, configuration: gpt.configuration, tokenizer: .character(task.tokenizer))
            try check.finish()
            try state.resume(from: reader, model: saved, networks: networks)
        } else {
            gpt.initialise(group.parameters, seed: configuration.seed)
        }
        model = try LanguageModelCheckpoint(model: gpt, tokenizer: task.tokenizer, parameters: group.parameters)
        let pool = Workers.pool(configuration.workers)
        trainer = PretrainingStep(
            model: gpt, group: group, data: PretrainingData(task: task, configuration: configuration),
            configuration: configuration, pool: pool)
        accuracy = AccuracyFigures(
            evaluation: configuration.evaluation, task: task, trainedDigits: configuration.task.digits,
            temperature: Float(configuration.evaluation.temperature ?? 0), maximumNewTokenCount: nil,
            seed: configuration.seed)
        generator = Generator(model: gpt, parameters: group.parameters, pool: pool)
    }

    var metricNames: [String] { ["loss"] + accuracy.names }

    func take(_ step: Int) throws -> MetricsRecord {
        let record = try trainer.take(step)
        state.tokensSeen += Int(record["tokens"] ?? 0)
        state.updateCount = step
        state.step = step
        return record
    }

    func evaluate(into record: inout MetricsRecord, stop: StopFlag) throws {
        try accuracy.add(to: &record, generator: generator, stop: stop)
    }
}
