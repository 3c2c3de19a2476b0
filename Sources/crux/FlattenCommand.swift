internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Rendering
internal import SystemPackage

/// `crux flatten`.
struct FlattenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flatten",
        abstract: "Make a delta a checkpoint of its own, which needs no base.",
        discussion: """
            The base is found where the delta remembers it, beside the delta, or where --base, --base-folder or \
            CRUX_BASES say; it is taken only if its content is the one that the delta was stored against.
            """)

    @Argument(help: "The delta, a crux file.", completion: .file(extensions: ["crux"]))
    var delta: String

    @Argument(help: "The crux file to write.", completion: .file(extensions: ["crux"]))
    var target: String

    @Option(help: "The smallest codec of each chunk, or none.")
    var codec = WriterOptions.CodecChoice.best

    @Flag(inversion: .prefixedNo, help: "Read the finished file back and compare every tensor and the metadata.")
    var verify = true

    @OptionGroup var output: OutputOptions

    mutating func run() throws {
        let conversion = Conversion(try output.open(delta), to: .crux)
        let progress = output.progress("flatten")
        let outcome = try conversion.run(
            to: FilePath(target), options: WriterOptions(codec: codec, workerCount: output.workers), verifies: verify
        ) { done, total in progress.update(.init(done, of: total)) }
        progress.finish()
        let result = ConversionResult(
            source: delta, target: target, format: conversion.target, changes: [], outcome: outcome)
        try StandardOutput.write(output.json ? ReportJSON.encode(result) : result.text(listsDigests: false))
    }
}
