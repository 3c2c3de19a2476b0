internal import ArgumentParser
internal import Foundation
internal import Kernels
internal import Rendering

/// What all commands that read checkpoints have in common.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Write JSON instead of text; its first level has a schemaVersion.")
    var json = false

    @Flag(name: .customLong("no-progress"), help: "Say nothing of how far the work has come.")
    var hidesProgress = false

    @Option(help: ArgumentHelp("Threads; the result does not depend on it.", valueName: "n"))
    var workers: Int?

    mutating func validate() throws {
        if let workers, !(1...1024).contains(workers) {
            throw ValidationError("--workers: found \(workers), expected 1 … 1024")
        }
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
