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
            4 of 256). Tokens per second are those of the median step.
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

    @Option(help: "Sequences generated at a time.")
    var batch = 1

    @Option(help: "Steps to measure, after one to warm up.")
    var steps = 5

    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if !EngineBenchmark.Shape.all.contains(where: { $0.name == shape }) {
            throw ValidationError("--shape: found \(shape), expected A, B or C")
        }
        if !(1...100_000).contains(batch) { throw ValidationError("--batch: found \(batch), expected 1 … 100000") }
        if !(1...100_000).contains(steps) { throw ValidationError("--steps: found \(steps), expected 1 … 100000") }
    }

    mutating func run() throws {
        for shape in EngineBenchmark.Shape.all where shape.name == self.shape {
            let benchmark = try EngineBenchmark(shape, stepCount: steps, pool: output.pool)
            let result = task == .train ? try benchmark.train() : try benchmark.generate(batch: batch)
            if output.json {
                try StandardOutput.write(ReportJSON.encode(result, isPretty: false))
            } else {
                let rate = result.tokensPerSecond.formatted(.number.precision(.fractionLength(0)))
                try StandardOutput.write(
                    "\(task) \(shape.name), batch \(result.batch): \(rate) tokens/s "
                        + "(median of \(steps) steps, \(result.threads) threads)\n")
            }
        }
    }
}
