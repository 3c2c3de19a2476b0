internal import Analysis
internal import ArgumentParser
internal import Foundation

/// `crux bench`: how fast this machine trains and generates.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how fast this machine trains and generates.",
        discussion: """
            Models of random weights: A (4 layers, width 128, 32 sequences of 128), B (6, 256, 32 of 128), C (12, 768, \
            4 of 256). Tokens per second are those of the median step; with several numbers of workers, their steps \
            take turns. The share of the peak is that of the multiply-adds which the threads reach in registers.
            """,
        shouldDisplay: false)

    enum Task: String, CaseIterable, ExpressibleByArgument {
        case train
        case generate
    }

    @Argument(help: "What to measure.")
    var task: Task

    @Option(help: "The model: A, B or C.")
    var shape = "A"

    @Option(help: "Sequences trained on or generated at a time.")
    var batch: Int?

    @Option(help: "Tokens of each sequence.")
    var context: Int?

    @Option(help: "Steps to measure, after one to warm up.")
    var steps = 5

    @Option(help: ArgumentHelp("Numbers of threads, separated by commas.", valueName: "n,…"))
    var workers: String?

    @Flag(help: "Write JSON instead of text; its first level has a schemaVersion.")
    var json = false

    mutating func validate() throws {
        if !EngineBenchmark.Shape.all.contains(where: { $0.name == shape }) {
            throw ValidationError("--shape: found \(shape), expected A, B or C")
        }
        func check(_ option: String, _ value: Int?, in range: ClosedRange<Int>) throws {
            guard let value, !range.contains(value) else { return }
            throw ValidationError("\(option): found \(value), expected \(range.lowerBound) … \(range.upperBound)")
        }
        try check("--batch", batch, in: 1...100_000)
        try check("--steps", steps, in: 1...100_000)
        try check("--context", context, in: (EngineBenchmark.promptLength + 1)...65_536)
        if workerCounts == nil {
            throw ValidationError(
                "--workers: found \(workers ?? ""), expected numbers from 1 to 1024 separated by commas")
        }
    }

    /// The numbers of threads to measure with; nil where the option does not say any.
    private var workerCounts: [Int]? {
        guard let workers else { return [ProcessInfo.processInfo.activeProcessorCount] }
        let counts = workers.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        return counts.allSatisfy((1...1024).contains) ? counts : nil
    }

    mutating func run() throws {
        for var shape in EngineBenchmark.Shape.all where shape.name == self.shape {
            shape.contextLength = context ?? shape.contextLength
            if task == .train { shape.sequenceCount = batch ?? shape.sequenceCount }
            let benchmark = try EngineBenchmark(shape, stepCount: steps, workerCounts: workerCounts ?? [1])
            let report = task == .train ? try benchmark.train() : try benchmark.generate(batch: batch ?? 1)
            try StandardOutput.write(
                json ? ReportJSON.encode(report, isPretty: false) : report.text(style: Terminal.output))
        }
    }
}
