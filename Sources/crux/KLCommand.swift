internal import Analysis
internal import ArgumentParser
internal import Rendering
internal import Tasks

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

    /// What the models are asked to do.
    enum TaskChoice: String, ExpressibleByArgument, CaseIterable {
        case addition
    }

    @Argument(help: "The checkpoint that policies are compared with.", completion: .file())
    var reference: String

    @Argument(help: "The fine-tuned checkpoints, in the order of a series.", completion: .file())
    var policies: [String]

    @Option(help: "The task that prompts and right answers come from.")
    var task: TaskChoice?

    @Option(help: ArgumentHelp("Additions of so many digits.", valueName: "n"))
    var digits: Int?

    @Option(
        help:
            "fixed: both operands have the digits; varying: one has, the other as many or fewer; balanced: each 1 … n.")
    var setup = SetupChoice.varying

    @Option(help: ArgumentHelp("How many additions.", valueName: "k"))
    var count = 50

    @Option(
        help: ArgumentHelp("The digits that pre-training showed; tokens beyond are critical (n − 1).", valueName: "n"))
    var trainedDigits: Int?

    @Option(
        help: ArgumentHelp(
            "Prompts: JSON lines with prompt and, where there is one, completion (.jsonl), or one a line.",
            valueName: "file"), completion: .file())
    var prompts: String?

    @Option(help: ArgumentHelp("A text that both models read.", valueName: "file"), completion: .file())
    var text: String?

    @Option(
        help: ArgumentHelp(
            "Whose text is compared (default: policy-samples; truth for a text and for prompts with completions)."))
    var source: TextSource?

    @Option(help: ArgumentHelp("The seed of problems and sampling.", valueName: "s"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("The temperature of sampling and of both distributions.", valueName: "t"))
    var temperature: Float = 1

    @Option(help: ArgumentHelp("How many tokens continue a prompt at most.", valueName: "n"))
    var maxTokens = 256

    @Option(help: ArgumentHelp("The text that ends the continuation of a prompt; \\n is a newline.", valueName: "text"))
    var stop: String?

    @Option(help: ArgumentHelp("The exponent β of the penalty's weight J^β.", valueName: "b"))
    var beta: Float = 150

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
        let inputs = [digits != nil, prompts != nil, text != nil].count { $0 }
        if inputs != 1 { throw ValidationError("expected one of --digits, --prompts and --text") }
        if task != nil, digits == nil { throw ValidationError("--task: expected --digits with it") }
        if policies.isEmpty { throw ValidationError("expected a policy") }
        for (name, value, range) in [
            ("--digits", digits, 1...1000), ("--trained-digits", trainedDigits, 0...1000),
            ("--count", count, 1...1_000_000), ("--top", top, 0...1_000_000), ("--show", show, 0...1_000_000),
            ("--max-tokens", maxTokens, 1...1_048_576),
        ] {
            if let value, !range.contains(value) {
                throw ValidationError("\(name): found \(value), expected \(range.lowerBound) … \(range.upperBound)")
            }
        }
        for (name, value) in [("--beta", Double(beta)), ("--fail-above", failAbove ?? 0)]
        where !(value >= 0 && value.isFinite) {
            throw ValidationError("\(name): found \(value), expected a number of at least 0")
        }
        if !(temperature > 0 && temperature.isFinite) {
            throw ValidationError(
                "--temperature: found \(temperature), expected a number above 0; --source policy-greedy is greedy")
        }
        if crossSample != nil, digits == nil {
            throw ValidationError("--cross-sample: expected --digits, whose answers can be judged")
        }
        if text != nil, let source, source != .truth {
            throw ValidationError(
                "--source: found \(source.rawValue), expected truth for a text, which both models read")
        }
    }

    mutating func run() throws {
        let progress = KLProgress(output: output)
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
        try LimitOptions.enforce(report.limits)
        if let failAbove,
            report.policies.contains(where: { !($0.summary.exactKLPolicyReference.mean <= failAbove) })
        {
            throw ExitCode(1)
        }
    }

    private func report(progress: KLProgress) throws -> KLReport {
        let pool = output.pool
        let (input, source) = try input()
        let measurement = try KLMeasurement(
            reference: LoadedModel(output.open(reference)), input: input, source: source,
            options: KLMeasurement.Options(
                temperature: temperature, beta: beta, seed: seed, shiftedTokenCount: top,
                allowsPartOfVocabulary: sharedVocabulary),
            pool: pool, progress: progress.show)
        var measured: [PolicyDivergence] = []
        for path in policies {
            progress.begin(policies.count > 1 ? path : nil)
            let policy = try LoadedModel(output.open(path))
            var divergence = try measurement.measure(policy)
            if let crossSample {
                divergence.crossSampling = try measurement.crossSample(policy, counts: crossSample.values)
            }
            measured.append(divergence)
        }
        return measurement.report(measured)
    }

    /// What is compared, and whose text by default.
    private func input() throws -> (KLInput, TextSource) {
        if let digits {
            return (
                .additions(
                    .init(
                        setup: setup.problems(digits: digits), count: count, trainedDigits: trainedDigits ?? digits - 1)
                ),
                source ?? .policySamples
            )
        }
        if let prompts {
            let file = try PromptFile(TextFile.read(prompts), name: prompts)
            let ending = stop.map { $0.replacing("\\n", with: "\n") }
            return (
                .prompts(file, continuation: .init(maximumTokenCount: maxTokens, stopText: ending)),
                source ?? (file.hasCompletions ? .truth : .policySamples)
            )
        }
        return (.text(try TextFile.read(text ?? ""), name: text ?? ""), .truth)
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
