internal import Analysis
internal import ArgumentParser
internal import CheckpointInterop
internal import Foundation
internal import Rendering
internal import SystemPackage

/// `crux inspect`.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what a checkpoint holds: tensors, metadata, tokenizer, lineage.",
        discussion: "Takes any format that can be opened, and a folder of shards.")

    @Argument(help: "The checkpoint: a file or a folder; - for standard input.", completion: .file())
    var path: String

    @Flag(help: "Show figures about the values of each tensor; reads everything.")
    var stats = false

    @Flag(help: "Show the tensors as a tree, blocks that are alike as one.")
    var tree = false

    @Option(
        help: ArgumentHelp(
            "Print values of one tensor: all of a small one, the ends of a large one, or a slice: 'wte.weight[2:4, :5]'.",
            valueName: "name"))
    var tensor: String?

    @Option(
        help: ArgumentHelp(
            "Look for the checkpoints of the lineage in this folder too, beside the checkpoint's own; may be repeated.",
            valueName: "folder"),
        completion: .directory)
    var relatives: [String] = []

    @OptionGroup var table: PlainTableOption

    @OptionGroup var output: OutputOptions

    func validate() throws {
        try table.validate(besides: output)
        if tensor != nil, stats || tree || table.plain {
            throw ValidationError(
                "--tensor: found --stats, --tree or --plain beside it, expected it alone or with --json")
        }
    }

    mutating func run() throws {
        let bases = try output.baseSearch()
        let path = try PipedCheckpoint.input(self.path)
        let source =
            try stats || tensor != nil
            ? CheckpointOpener.open(path, bases: bases)
            : CheckpointOpener.openForDescription(path, bases: bases)
        if let tensor {
            let slice = try TensorSlice(tensor, of: source)
            try StandardOutput.write(output.json ? ReportJSON.encode(slice) : slice.text)
            return
        }
        let progress = output.progress("inspect")
        let inspection = try Inspection.inspect(
            source, options: .init(computesStatistics: stats, relatives: try relatives(of: source)), pool: output.pool
        ) { done, total in progress.update(.init(done, of: total)) }
        progress.finish()
        if output.json {
            try StandardOutput.write(ReportJSON.encode(inspection))
        } else if table.plain {
            try StandardOutput.write(inspection.plainTable)
        } else {
            try StandardOutput.write(inspection.text(style: Terminal.output, showsTree: tree))
        }
    }

    /// The crux checkpoints beside this one, and in the folders that were named; what cannot be opened is none.
    private func relatives(of source: any CheckpointSource) throws -> [any CheckpointSource] {
        guard LineageLink.isRecorded(in: source) else { return [] }
        let path = FilePath(path)
        let own = path.removingLastComponent()
        let folders = [own.isEmpty ? "." : own] + relatives.map { FilePath($0) }
        var sources: [any CheckpointSource] = []
        for folder in folders {
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted()
            where name.hasSuffix(".crux") && !name.hasPrefix(".") {
                let file = folder == "." ? FilePath(name) : folder.appending(name)
                if let relative = try? CheckpointOpener.open(file) { sources.append(relative) }
            }
        }
        return sources
    }
}
