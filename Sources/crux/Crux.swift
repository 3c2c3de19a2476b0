internal import ArgumentParser
internal import CheckpointFormat

/// The root of the command line.
struct Crux: ParsableCommand {
    /// The program's version (semantic versioning).
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "crux",
        abstract: "Train small language models with RL and see what it changed: checkpoints, diffs, per-token KL.",
        discussion: """
            Exit codes: 0 same, valid or within limits; 1 differs, invalid or over a limit; 2 could not run; \
            64 usage error; 128 + n ended by signal n, with nothing half-written left. Data goes to standard output, \
            progress and messages to standard error.
            """,
        version: """
            \(version) (.crux format \(Format.version))
            .crux: reads and writes version \(Format.version); features: \(CheckpointFeatures.readable)
            GGUF: reads versions 2 and 3, writes 3
            safetensors: reads and writes, shards read through their index
            """,
        subcommands: [
            PretrainCommand.self, FinetuneCommand.self, EvaluateCommand.self, GenerateCommand.self,
            ExperimentCommand.self,
            InspectCommand.self, VerifyCommand.self, CheckCommand.self, ManifestCommand.self, SignCommand.self,
            KeygenCommand.self,
            DiffCommand.self, KLCommand.self, ReportCommand.self, ConvertCommand.self, FlattenCommand.self,
            EditCommand.self, RepairCommand.self,
            BenchCommand.self,
        ]
    )
}
