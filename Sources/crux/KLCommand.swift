internal import Analysis
internal import ArgumentParser
internal import Experiments
internal import Rendering

/// `crux kl`.
struct KLCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kl",
        abstract: "Show, token by token, how far policies' behaviour is from their reference's.",
        discussion: """
            The models answer additions (--digits), continue prompts (--prompts) or read a text (--text); --source says \
            whose text is compared. At every token both whole distributions are compared: KL(policy ‖ reference) and \
            KL(reference ‖ policy) are exact, in nats. Several policies make a series. Exit code 0: within all \
            limits, or no limit; 1: a limit is broken; 2: could not run.
            """)

    @Argument(help: "The checkpoint that policies are compared with.", completion: .file())
    var reference: String

    @Argument(help: "The fine-tuned checkpoints, in the order of a series.", completion: .file())
    var policies: [String]

    @OptionGroup var text: KLTextOptions

    @Flag(help: "Compare models with different vocabularies on the tokens that both have, normalised anew.")
    var sharedVocabulary = false

    @Option(
        help: ArgumentHelp(
            "Replace the k most shifted tokens of each model's answers by the other's choice; success by k.",
            valueName: "k,…"), transform: CountList.init)
    var crossSample: CountList?

    @Option(help: ArgumentHelp("How many of the most shifted tokens to list.", valueName: "k"))
    var top = 10

    @Flag(help: "Show sequences token by token, coloured (256 colours on a terminal, bars elsewhere).")
    var heatmap = false

    @Option(help: "What the heat map shows.")
    var colourBy = HeatMeasure.kl

    @Option(help: ArgumentHelp("How many sequences the heat map shows.", valueName: "n"))
    var show = 1

    @Flag(
        help:
            "Make it an error, exit code 2, where a policy of a series cannot be compared, or not on its whole vocabulary or context."
    )
    var strict = false

    @Flag(name: .customLong("no-tokens"), help: "Leave the single tokens out of the JSON.")
    var omitsTokens = false

    @Option(help: ArgumentHelp("Exit with 1 where a mean KL(policy ‖ reference) is above this.", valueName: "nats"))
    var failAbove: Double?

    @Option(help: ArgumentHelp("Write a report page.", valueName: "file"), completion: .file(extensions: ["html"]))
    var html: String?

    @OptionGroup var limits: LimitOptions

    @OptionGroup var table: PlainTableOption

    @OptionGroup var output: OutputOptions

    func validate() throws {
        try limits.validate(for: KLReport.self)
        try table.validate(besides: output)
        if !text.isSet { throw ValidationError("expected one of --digits, --prompts and --text") }
        if policies.isEmpty { throw ValidationError("expected a policy") }
        for (name, value) in [("--top", top), ("--show", show)] where !(0...1_000_000).contains(value) {
            throw ValidationError("\(name): found \(value), expected 0 … 1000000")
        }
        if let failAbove, !(failAbove >= 0 && failAbove.isFinite) {
            throw ValidationError("--fail-above: found \(failAbove), expected a number of at least 0")
        }
        if crossSample != nil, text.digits == nil {
            throw ValidationError("--cross-sample: expected --digits, whose answers can be judged")
        }
    }

    mutating func run() throws {
        let progress = PartProgress(output: output)
        let limits = try limits.read(\.kl)
        var report = try report(progress: progress)
        progress.finish()
        if self.limits.areSet { report.limits = try report.check(limits) }
        if let html { try HTMLFile.write(report.page(command: CommandText.current), to: html) }
        try StandardOutput.write(
            output.json
                ? ReportJSON.encode(omitsTokens ? report.withoutTokens : report)
                : table.plain
                    ? report.plainTable : report.text(style: Terminal.output, heat: heatmap ? (colourBy, show) : nil))
        if strict, let reason = report.shortcoming { throw CommandFailure.couldNotRun("--strict: \(reason)") }
        try LimitOptions.enforce(report.limits)
        if let failAbove,
            report.policies.contains(where: { !($0.summary.exactKLPolicyReference.mean <= failAbove) })
        {
            throw ExitCode(1)
        }
    }

    private func report(progress: PartProgress) throws -> KLReport {
        let pool = output.pool
        let subject = CurrentSubject(nil)
        let (input, source) = try text.input()
        let measurement = try KLMeasurement(
            reference: LoadedModel(output.open(reference)), input: input, source: source,
            options: text.measurementOptions(shiftedTokenCount: top, allowsPartOfVocabulary: sharedVocabulary),
            pool: pool
        ) { stage, done, total in
            progress.show([stage.word, subject.name].compactMap(\.self).joined(separator: " "), done, total)
        }
        var measured: [PolicyDivergence] = []
        var leftOut: [UncomparedPolicy] = []
        for path in policies {
            progress.finish()
            subject.name = policies.count > 1 ? path : nil
            let source = try output.open(path)
            do throws(AnalysisError) {
                let policy = try LoadedModel(source)
                var divergence = try measurement.measure(policy)
                if let crossSample {
                    divergence.crossSampling = try measurement.crossSample(policy, counts: crossSample.values)
                }
                measured.append(divergence)
            } catch {
                // One policy that does not fit must not cost the others' figures.
                guard policies.count > 1, case .unsuitable = error else { throw error }
                leftOut.append(UncomparedPolicy(path: path, reason: "\(error)"))
            }
        }
        if measured.isEmpty, let first = leftOut.first { throw CommandFailure.couldNotRun(first.reason) }
        var report = measurement.report(measured)
        report.leftOut = leftOut.isEmpty ? nil : leftOut
        return report
    }
}

/// Positive numbers joined by commas.
struct CountList {
    /// Each at least 1, in the order given.
    let values: [Int]

    /// Reads `1,2,4`.
    init(_ text: String) throws {
        values = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let value = Int(part), (1...10_000).contains(value) else {
                throw ValidationError("found '\(text)', expected numbers from 1 to 10000 joined by commas, as 1,2,4")
            }
            return value
        }
    }
}
