internal import Analysis
internal import ArgumentParser
internal import Foundation

/// `crux bench train` and `crux bench generate`: how fast this machine trains and generates.
enum EngineBenchCommand {
    /// `crux bench train`.
    struct Train: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure how fast this machine trains.", discussion: EngineBenchCommand.discussion)

        @OptionGroup var options: Options

        mutating func run() throws {
            var shape = try options.chosenShape
            shape.sequenceCount = options.batch ?? shape.sequenceCount
            try options.write(options.benchmark(of: shape).train())
        }
    }

    /// `crux bench generate`.
    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure how fast this machine generates.", discussion: EngineBenchCommand.discussion)

        @OptionGroup var options: Options

        mutating func run() throws {
            try options.write(options.benchmark(of: options.chosenShape).generate(batch: options.batch ?? 1))
        }
    }

    private static let discussion = """
        Models of random weights: A (4 layers, width 128, 32 sequences of 128), B (6, 256, 32 of 128), C (12, 768, \
        4 of 256). Tokens per second are those of the median step; with several numbers of workers, their steps \
        take turns. The share of the peak is that of the multiply-adds which the threads reach in registers.
        """

    /// What both take.
    struct Options: ParsableArguments {
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
            _ = try chosenShape
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

        /// The shape of that name, with the context asked for.
        var chosenShape: EngineBenchmark.Shape {
            get throws {
                guard var shape = EngineBenchmark.Shape.all.first(where: { $0.name == self.shape }) else {
                    throw ValidationError("--shape: found \(shape), expected A, B or C")
                }
                shape.contextLength = context ?? shape.contextLength
                return shape
            }
        }

        /// The numbers of threads to measure with; nil where the option does not say any.
        private var workerCounts: [Int]? {
            guard let workers else { return [ProcessInfo.processInfo.activeProcessorCount] }
            let counts = workers.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
            return counts.allSatisfy((1...1024).contains) ? counts : nil
        }

        func benchmark(of shape: EngineBenchmark.Shape) throws -> EngineBenchmark {
            try EngineBenchmark(shape, stepCount: steps, workerCounts: workerCounts ?? [1])
        }

        func write(_ report: EngineReport) throws {
            try StandardOutput.write(
                json ? ReportJSON.encode(report, isPretty: false) : report.text(style: Terminal.output))
        }
    }
}
