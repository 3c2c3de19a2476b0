package import CheckpointFormat
public import SystemPackage

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
    ///   - tensorBoardFolder: Where the same figures go as an event file.
    ///   - stop: When set, the run saves after its current step and returns.
    ///   - progress: Called on this thread after each step and each save.
    /// - Returns: How the run ended.
    /// - Throws: ``TrainingError``, ``ConfigurationError``, `CheckpointError` or `ModelError`.
    public func run(
        checkpoint path: FilePath, resume: Bool = false, metricsFile: FilePath? = nil,
        tensorBoardFolder: FilePath? = nil, stop: StopFlag = StopFlag(),
        progress: (ProgressEvent) -> Void = { _ in }
    ) throws -> TrainingSummary {
        try run(
            checkpoint: path, resume: resume, metricsFile: metricsFile, tensorBoardFolder: tensorBoardFolder,
            stop: stop, operations: .system, progress: progress)
    }

    /// As ``run(checkpoint:resume:metricsFile:tensorBoardFolder:stop:progress:)``, with system calls of the saves that
    /// tests replace.
    package func run(
        checkpoint path: FilePath, resume: Bool, metricsFile: FilePath?, tensorBoardFolder: FilePath? = nil,
        stop: StopFlag, operations: FileOperations, progress: (ProgressEvent) -> Void
    ) throws -> TrainingSummary {
        let reader = resume ? try CheckpointReader(path: path) : nil
        let loop = try RunLoop(
            session: PretrainingSession(configuration, resuming: reader), checkpoint: path, resumed: reader,
            operations: operations)
        return try loop.run(
            metricsFile: metricsFile, tensorBoardFolder: tensorBoardFolder, stop: stop, progress: progress)
    }
}
