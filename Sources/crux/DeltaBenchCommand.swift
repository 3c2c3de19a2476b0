internal import Analysis
internal import ArgumentParser
internal import CheckpointInterop
internal import Rendering
internal import SystemPackage

/// `crux bench delta`: how small and how fast deltas are beside what else is in use.
struct DeltaBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delta",
        abstract: "Measure deltas of checkpoints against a base, beside XOR and zstd.",
        discussion: """
            Weights, weights as BF16, and all tensors: ratio, and megabytes of content encoded and decoded in a second of \
            the clock and in a second of processor time, the medians of rounds in turns. Several threads decode crux's \
            files whatever --workers says: compare processor time.
            """)

    @Argument(help: "The checkpoint that the others were made from.")
    var reference: String

    @Argument(help: "The checkpoints to store.")
    var policies: [String]

    @Option(help: "Rounds to measure.")
    var rounds = 15

    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let schemaVersion = 2
        let threads: Int
        let results: [DeltaBenchmark.Result]

        private enum CodingKeys: String, CodingKey {
            case schemaVersion, threads, results
        }
    }

    mutating func validate() throws {
        if !(1...10_000).contains(rounds) { throw ValidationError("--rounds: found \(rounds), expected 1 … 10000") }
        if policies.isEmpty { throw ValidationError("expected at least one checkpoint to store") }
    }

    mutating func run() throws {
        let base = try output.open(reference)
        let benchmark = DeltaBenchmark(workerCount: output.workerCount, roundCount: rounds)
        var results: [DeltaBenchmark.Result] = []
        for path in policies {
            let policy = try output.open(path)
            for subject in DeltaBenchmark.Subject.allCases {
                results += try benchmark.measure(subject, base: base, policy: policy)
            }
        }
        if output.json {
            try StandardOutput.write(
                ReportJSON.encode(Report(threads: benchmark.workerCount, results: results)))
            return
        }
        func rounded(_ value: Double, _ digits: Int) -> String {
            FigureFormat.fixed(digits).text(value)
        }
        let lines = results.map { result in
            "| \(TerminalText.visible(result.policy)) | \(result.subject.rawValue) | "
                + "\(FigureFormat.percent(2).text(result.sameShare)) | \(result.method.rawValue) | "
                + "\(rounded(result.ratio, 2)) | \(rounded(result.encode.clock, 0)) | \(rounded(result.decode.clock, 0)) | "
                + "\(rounded(result.encode.processor, 0)) | \(rounded(result.decode.processor, 0)) |\n"
        }
        try StandardOutput.write(
            "| checkpoint | content | same elements | method | ratio | encode MB/s | decode MB/s "
                + "| encode, of processor time | decode |\n"
                + "|---|---|---|---|---|---|---|---|---|\n" + lines.joined())
    }
}
