internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Foundation
internal import Kernels
internal import Rendering
internal import SystemPackage

/// What all commands that read checkpoints have in common.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Write JSON instead of text; its first level has a schemaVersion.")
    var json = false

    @Flag(name: .customLong("no-progress"), help: "Say nothing of how far the work has come.")
    var hidesProgress = false

    @Option(help: ArgumentHelp("Threads; the result does not depend on it.", valueName: "n"))
    var workers: Int?

    @Option(
        name: .customLong("base"),
        help: ArgumentHelp("For deltas: a checkpoint that they may be stored against.", valueName: "file"))
    var bases: [String] = []

    @Option(
        name: .customLong("base-folder"),
        help: ArgumentHelp(
            "For deltas: a folder with such checkpoints, as those that CRUX_BASES names.", valueName: "folder"))
    var baseFolders: [String] = []

    mutating func validate() throws {
        if let workers, !(1...1024).contains(workers) {
            throw ValidationError("--workers: found \(workers), expected 1 … 1024")
        }
    }

    /// Where the bases of deltas are looked for.
    ///
    /// - Throws: `CheckpointError` where a place that was named is not there.
    func baseSearch() throws -> BaseSearch {
        var search = BaseSearch.standardOfAnyFormat
        for place in bases + baseFolders where (try? Stat(FilePath(place))) == nil {
            throw CheckpointError(.missing, path: FilePath(place), problem: "there is no such base, or folder of bases")
        }
        search.paths.insert(contentsOf: bases.map { FilePath($0) }, at: 0)
        search.folders.insert(contentsOf: baseFolders.map { FilePath($0) }, at: 0)
        return search
    }

    /// Opens a checkpoint of any format.
    func open(_ path: String) throws -> any CheckpointSource {
        try CheckpointOpener.open(FilePath(path), bases: baseSearch())
    }

    /// The number of threads to work with.
    var workerCount: Int { workers ?? ProcessInfo.processInfo.activeProcessorCount }

    /// The threads to work with.
    var pool: WorkerPool { WorkerPool(workerCount: workerCount) }

    /// A line of progress on standard error.
    func progress(_ label: String) -> ProgressLine {
        ProgressLine(
            label: label, mode: ProgressLine.mode(for: Terminal.error, isWanted: !hidesProgress),
            write: StandardError.write)
    }
}
