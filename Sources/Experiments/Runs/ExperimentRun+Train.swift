internal import Foundation
internal import SystemPackage
internal import Training

extension ExperimentRun.Work {
    /// Trains up to the last step, going on from what is there.
    ///
    /// - Parameters:
    ///   - folder: Where the outcomes of other runs lie.
    ///   - workers: Threads; nil leaves them to the configuration.
    /// - Returns: Whether the training is done; false where it was asked to stop and saved.
    /// - Throws: What training throws.
    func train(
        checkpoint: FilePath, metrics: FilePath, in folder: ExperimentFolder, workers: Int?, stop: StopFlag,
        progress: (ProgressEvent) -> Void
    ) throws -> Bool {
        let isThere = FileManager.default.fileExists(atPath: checkpoint.string)
        switch self {
        case .pretraining(var configuration):
            if let workers { configuration.workers = workers }
            return try Pretraining(configuration).run(
                checkpoint: checkpoint, resume: isThere, metricsFile: metrics, stop: stop, progress: progress
            ).ending != .interrupted
        case .fineTuning(var configuration, let reference):
            if let workers { configuration.workers = workers }
            let path =
                switch reference {
                case .checkpoint(let path): path
                case .run(let name): folder.run(name).checkpoint
                }
            return try FineTuning(configuration).run(
                reference: path, checkpoint: checkpoint, resume: isThere, metricsFile: metrics, stop: stop,
                progress: progress
            ).ending != .interrupted
        case .given: return true
        }
    }
}
