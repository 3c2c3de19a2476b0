import LanguageModel

/// A run in memory: what is trained, and how one step is taken.
///
/// ``RunLoop`` saves it at its cadence; ``Replay`` compares it with what a checkpoint holds.
protocol TrainingSession: AnyObject {
    associatedtype Configuration: RunConfiguration

    /// All settings, with what they left open settled.
    var configuration: Configuration { get }
    /// What a checkpoint holds besides weights and tokenizer.
    var state: TrainingState { get set }
    /// What is trained.
    var networks: TrainingState.Networks { get }
    /// The model with the parameters of ``networks``.
    var model: LanguageModelCheckpoint { get }

    /// The figures that the run can be judged by.
    var metricNames: [String] { get }

    /// Trains the step of that number, from 1, and counts it in ``state``.
    ///
    /// - Throws: ``TrainingError`` where loss or gradient are not finite, `ModelError` where logits are not.
    func take(_ step: Int) throws -> MetricsRecord

    /// Adds the figures of an evaluation, as many as there are before `stop` is set.
    func evaluate(into record: inout MetricsRecord, stop: StopFlag) throws
}
