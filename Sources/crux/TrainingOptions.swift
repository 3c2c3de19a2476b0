internal import ArgumentParser
internal import CheckpointFormat
internal import Foundation
internal import Rendering
internal import SystemPackage
internal import Training

/// What the commands that train have in common.
struct TrainingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Settings, as in configs/; what it leaves out has its default.", valueName: "file"),
        completion: .file(extensions: ["yml", "yaml"]))
    var config: String?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override one setting, for example steps=100 or optimizer.learning_rate=1e-4.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: ArgumentHelp("The seed, as --set seed=….", valueName: "s"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Threads, as --set workers=…; the result does not depend on it.", valueName: "n"))
    var workers: Int?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The checkpoint to write.", valueName: "file"),
        completion: .file(extensions: ["crux"]))
    var out: String

    @Option(
        help: ArgumentHelp("Where figures go, one JSON object a line (beside the checkpoint, .jsonl).", valueName: "file"))
    var metrics: String?

    @Flag(help: "Go on from the last state saved in --out, with the settings stored there where --config is not given.")
    var resume = false

    @Flag(help: "Replace the checkpoint that --out names.")
    var force = false

    @Flag(name: .customLong("no-progress"), help: "Say nothing of how far the work has come.")
    var hidesProgress = false

    /// The checkpoint's path.
    var checkpoint: FilePath { FilePath(out) }

    /// The metrics file's path.
    var metricsFile: FilePath {
        if let metrics { return FilePath(metrics) }
        var path = checkpoint
        path.extension = "jsonl"
        return path
    }

    /// The settings: of the file, of the checkpoint when resuming without a file, or the defaults.
    func configuration<Configuration: RunConfiguration>() throws -> Configuration {
        var overrides = overrides
        if let seed { overrides.append("seed=\(seed)") }
        if let workers { overrides.append("workers=\(workers)") }
        if let config {
            return try ConfigurationLoader.load(
                yaml: TextFile.read(config), fileName: config, overrides: overrides)
        }
        if resume { return try ConfigurationLoader.stored(inCheckpoint: checkpoint, overrides: overrides) }
        return try ConfigurationLoader.load(yaml: nil, overrides: overrides)
    }

    /// - Throws: ``CommandFailure`` where a fresh run would replace a checkpoint.
    func checkOverwriting() throws {
        guard !resume, !force, FileManager.default.fileExists(atPath: out) else { return }
        throw CommandFailure.couldNotRun(
            "\(out): exists; --resume goes on from it, --force replaces it")
    }

    /// Runs a training with progress and orderly interruption, and prints how it ended.
    func run(
        label: String, figures: [TrainingFigure],
        _ train: (StopFlag, (ProgressEvent) -> Void) throws -> TrainingSummary
    ) throws {
        try checkOverwriting()
        let progress = TrainingProgress(label: label, figures: figures, hidesProgress: hidesProgress)
        let stop = Interruption.stopFlag
        let summary = try train(stop) { progress.show($0) }
        progress.finish()
        try StandardOutput.write(
            "\(out)  step \(summary.step)  weights \(summary.weightsDigest)\n")
        if summary.ending == .interrupted {
            StandardError.write("interrupted: saved at step \(summary.step); --resume goes on from there\n")
            throw ExitCode(130)
        }
    }
}
