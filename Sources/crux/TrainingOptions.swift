internal import Analysis
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
        help: ArgumentHelp(
            "Override one setting, for example steps=100 or optimizer.learning_rate=1e-4.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: ArgumentHelp("The seed, as --set seed=….", valueName: "s"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Threads, as --set workers=…; the result does not depend on it.", valueName: "n"))
    var workers: Int?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The checkpoint to write; a dry run needs none.", valueName: "file"),
        completion: .file(extensions: ["crux"]))
    var out: String?

    @Option(
        help: ArgumentHelp(
            "Where figures go, one JSON object a line (beside the checkpoint, .jsonl).", valueName: "file"))
    var metrics: String?

    @Option(
        help: ArgumentHelp(
            "Write the same figures as a TensorBoard event file into this folder, TensorBoard's --logdir.",
            valueName: "folder"),
        completion: .directory)
    var tensorboard: String?

    @Flag(help: "Go on from the last state saved in --out, with the settings stored there where --config is not given.")
    var resume = false

    @Flag(help: "Replace the checkpoint that --out names.")
    var force = false

    @Flag(
        name: .customLong("dry-run"),
        help: """
            Write nothing: check the settings, and print parameters, memory, operations and, from a few steps in memory, \
            the time that the run will take.
            """)
    var isDryRun = false

    @Flag(help: "For --dry-run: write JSON instead of text; its first level has a schemaVersion.")
    var json = false

    @Flag(name: .customLong("no-progress"), help: "Say nothing of how far the work has come.")
    var hidesProgress = false

    mutating func validate() throws {
        if out == nil, !isDryRun || resume { throw ValidationError("Missing expected argument '--out <file>'") }
        if json, !isDryRun { throw ValidationError("--json is for --dry-run") }
    }

    /// The checkpoint's path; empty for a dry run without one.
    var checkpoint: FilePath { FilePath(out ?? "") }

    /// The metrics file's path.
    var metricsFile: FilePath { metrics.map { FilePath($0) } ?? checkpoint.metricsFile }

    /// The folder of the TensorBoard event file.
    var tensorBoardFolder: FilePath? { tensorboard.map { FilePath($0) } }

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

    /// Checks, before any work is done, that both files can be written and replace nothing by accident.
    ///
    /// - Parameters:
    ///   - reference: The checkpoint that is read, if any.
    ///   - copies: Which copies of saves are kept beside the checkpoint.
    /// - Throws: ``CommandFailure``; `CheckpointError` where the checkpoint's folder cannot be written to.
    func checkOutput(reference: FilePath?, copies: CheckpointConfiguration) throws {
        if let reference, reference.namesSameFile(as: checkpoint) {
            throw CommandFailure.couldNotRun("\(checkpoint): is the reference; --out must name another file")
        }
        let others = [
            ("the checkpoint", checkpoint), ("the reference", reference),
            ("the configuration", config.map { FilePath($0) }),
        ]
        for (part, path) in others where path?.namesSameFile(as: metricsFile) == true {
            throw CommandFailure.couldNotRun(
                "\(metricsFile): is \(part) and cannot hold the metrics too; --metrics must name another file")
        }
        for path in [checkpoint, metricsFile] {
            let folder = path.removingLastComponent()
            if !folder.isEmpty, !FileManager.default.fileExists(atPath: folder.string) {
                throw CommandFailure.couldNotRun("\(path): there is no folder \(folder)")
            }
        }
        if !resume, !force {
            let copy = copies.keptCopy(beside: checkpoint)
            let eventFile = tensorBoardFolder.map { TensorBoardLog.path(in: $0, name: checkpoint.stem ?? "run") }
            let replaced: [(FilePath?, String)] = [
                (checkpoint, "--resume goes on from it, --force replaces it"), (metricsFile, "--force replaces it"),
                (copy, "it is another run's copy; --force replaces such copies"), (eventFile, "--force replaces it"),
            ]
            for case (let path?, let hint) in replaced where (try? Stat(path))?.type == .regular {
                throw CommandFailure.couldNotRun("\(path): exists; \(hint)")
            }
        }
        // The temporary file is removed again at once.
        if !isDryRun { _ = try OutputFile.create(at: checkpoint) }
    }

    /// Prints what a run is going to take, or runs it with progress and orderly interruption and prints how it ended.
    func run(
        label: String, figures: [TrainingFigure], reference: FilePath? = nil, copies: CheckpointConfiguration,
        plan: () throws -> RunPlan, _ train: (StopFlag, (ProgressEvent) -> Void) throws -> TrainingSummary
    ) throws {
        if out != nil { try checkOutput(reference: reference, copies: copies) }
        if isDryRun {
            let found = try plan()
            return try StandardOutput.write(json ? ReportJSON.encode(found) : found.text)
        }
        let progress = TrainingProgress(label: label, figures: figures, hidesProgress: hidesProgress)
        let stop = Interruption.stopFlag
        let summary = try train(stop) { progress.show($0) }
        progress.finish()
        try StandardOutput.write(
            "\(checkpoint)  step \(summary.step)  weights \(summary.weightsDigest)\n")
        switch summary.ending {
        case .completed: break
        case .stoppedEarly:
            StandardError.write("stopped at step \(summary.step): evaluation.metric has not got better for so long\n")
        case .interrupted:
            StandardError.write("interrupted: saved at step \(summary.step); --resume goes on from there\n")
            Interruption.endAfterSaving()
        }
    }
}
