internal import Analysis
internal import ArgumentParser
internal import Rendering
internal import SystemPackage

/// `crux bench format`: how fast checkpoints are saved, read and verified.
struct FormatBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "format",
        abstract: "Measure how fast a checkpoint's weights are saved, read and verified.",
        discussion: """
            The tensors are in memory before the clock starts. Megabytes (10⁶ bytes) of content a second of the clock and a second of \
            processor time, the medians of rounds; Benchmarks/peers/format_peers.py runs this in turns with other formats.
            """)

    @Argument(help: "The checkpoint whose tensors are used.", completion: .file())
    var tensors: String

    @Option(help: "Where files are written and read; they are removed.")
    var folder = "."

    @Flag(help: "Round F32 tensors to BF16 first.")
    var bf16 = false

    @Option(help: "Rounds to measure, after one to warm up.")
    var rounds = 5

    @Option(help: "How often each tensor is used, under different names.")
    var copies = 1

    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if !(1...1000).contains(copies) { throw ValidationError("--copies: found \(copies), expected 1 … 1000") }
        if !(1...10_000).contains(rounds) { throw ValidationError("--rounds: found \(rounds), expected 1 … 10000") }
    }

    mutating func run() throws {
        let benchmark = try FormatBenchmark(
            FilePath(tensors), bf16: bf16, copyCount: copies, folder: FilePath(folder), rounds: rounds,
            workerCount: output.workerCount)
        let result = try benchmark.run()
        try StandardOutput.write(
            output.json ? ReportJSON.encode(result, isPretty: false) : result.text)
    }
}
