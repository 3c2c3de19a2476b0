import CheckpointFormat
public import SystemPackage

/// Reinforcement learning with a KL penalty against the reference: one run, fresh or resumed.
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
    ///   - tensorBoardFolder: Where the same figures go as an event file.
    ///   - stop: When set, the run saves after its current step and returns.
    ///   - progress: Called on this thread after each step and each save.
    /// - Returns: How the run ended.
    /// - Throws: ``TrainingError``, ``ConfigurationError``, `CheckpointError`, `ModelError` or `TaskError`.
    public func run(
        reference referencePath: FilePath, checkpoint path: FilePath, resume: Bool = false,
        metricsFile: FilePath? = nil, tensorBoardFolder: FilePath? = nil, stop: StopFlag = StopFlag(),
        progress: (ProgressEvent) -> Void = { _ in }
    ) throws -> TrainingSummary {
        let reference = try ReferenceModel(referencePath)
        let reader = resume ? try CheckpointReader(path: path) : nil
        let loop = try RunLoop(
            session: FineTuningSession(configuration, reference: reference, resuming: reader), checkpoint: path,
            reference: referencePath, resumed: reader, operations: .system)
        return try loop.run(
            metricsFile: metricsFile, tensorBoardFolder: tensorBoardFolder, stop: stop, progress: progress)
    }
}
