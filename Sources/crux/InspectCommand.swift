internal import Analysis
internal import ArgumentParser
internal import CheckpointInterop
internal import Rendering
internal import SystemPackage

/// `crux inspect`.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a checkpoint holds: tensors, metadata, tokenizer, lineage.",
        discussion: "Takes any format that can be opened, and a folder of shards.")

    @Argument(help: "The checkpoint: a file or a folder.", completion: .file())
    var path: String

    @Flag(help: "Show figures about the values of each tensor; reads everything.")
    var stats = false

    @OptionGroup var output: OutputOptions

    mutating func run() throws {
        let bases = try output.baseSearch()
        let source =
            try stats
            ? CheckpointOpener.open(FilePath(path), bases: bases)
            : CheckpointOpener.openForDescription(FilePath(path), bases: bases)
        let progress = output.progress("inspect")
        let inspection = try Inspection.inspect(
            source, options: .init(computesStatistics: stats), pool: output.pool
        ) { done, total in progress.update(.init(done, of: total)) }
        progress.finish()
        try StandardOutput.write(
            output.json ? ReportJSON.encode(inspection) : inspection.text(style: Terminal.output))
    }
}
