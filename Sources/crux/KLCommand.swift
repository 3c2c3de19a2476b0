internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import LanguageModel
internal import Rendering
internal import SystemPackage
internal import Tasks

/// `crux kl`.
struct KLCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kl",
        abstract: "Show, token by token, how far a policy's behaviour is from its reference's.",
        discussion: """
            The policy answers additions (--digits), or both models read a text (--text). At every token both whole \
            distributions are compared: KL(policy ‖ reference) and KL(reference ‖ policy) are exact, in nats. Exit code \
            0: within --fail-above, or no limit; 1: above it; 2: could not run.
            """)

    /// How the weight of the prioritised penalty comes from the reference's certainty.
    enum CertaintyChoice: String, ExpressibleByArgument, CaseIterable {
        case negentropy
        case maximumProbability = "max-probability"
        case standard
    }

    @Argument(help: "The fine-tuned checkpoint.", completion: .file())
    var policy: String

    @Argument(help: "The checkpoint that it is compared with.", completion: .file())
    var reference: String

    @Option(help: ArgumentHelp("Let the policy answer additions of so many digits.", valueName: "n"))
    var digits: Int?

    @Option(
        help:
            "fixed: both operands have the digits; varying: one has, the other as many or fewer; balanced: each 1 … n.")
    var setup = SetupChoice.varying

    @Option(help: ArgumentHelp("How many additions.", valueName: "k"))
    var prompts = 50

    @Option(
        help: ArgumentHelp("The digits that pre-training showed; tokens beyond are critical (n − 1).", valueName: "n"))
    var trainedDigits: Int?

    @Option(help: ArgumentHelp("The seed of prompts and sampling.", valueName: "s"))
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "The temperature of sampling and of both distributions; 0: greedy, distributions at 1.", valueName: "t"))
    var temperature: Float = 1

    @Option(help: ArgumentHelp("Compare the models on a text instead.", valueName: "file"), completion: .file())
    var text: String?

    @Option(help: ArgumentHelp("The exponent β of the penalty whose weight is shown.", valueName: "b"))
    var beta: Float = 150

    @Option(help: "The certainty in that penalty: equation 2's, the authors' code's, or none (weight 1).")
    var certainty = CertaintyChoice.negentropy

    @Option(help: ArgumentHelp("How many of the most shifted tokens to list.", valueName: "k"))
    var top = 10

    @Option(help: ArgumentHelp("How many sequences to show token by token as text.", valueName: "n"))
    var show = 1

    @Option(help: ArgumentHelp("Exit with 1 where the mean KL(policy ‖ reference) is above this.", valueName: "nats"))
    var failAbove: Double?

    @Option(help: ArgumentHelp("Write a report page.", valueName: "file"), completion: .file(extensions: ["html"]))
    var html: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        switch (digits, text) {
        case (nil, nil): throw ValidationError("expected either --digits or --text")
        case (.some, .some): throw ValidationError("expected either --digits or --text, not both")
        default: break
        }
        for (name, value, range) in [
            ("--digits", digits, 1...1000), ("--trained-digits", trainedDigits, 0...1000),
            ("--prompts", prompts, 1...1_000_000), ("--top", top, 0...1_000_000), ("--show", show, 0...1_000_000),
        ] {
            if let value, !range.contains(value) {
                throw ValidationError("\(name): found \(value), expected \(range.lowerBound) … \(range.upperBound)")
            }
        }
        for (name, value) in [
            ("--temperature", Double(temperature)), ("--beta", Double(beta)), ("--fail-above", failAbove ?? 0),
        ] where !(value >= 0 && value.isFinite) {
            throw ValidationError("\(name): found \(value), expected a number of at least 0")
        }
    }

    mutating func run() throws {
        let policy = try LoadedModel(output.open(policy))
        let reference = try LoadedModel(output.open(reference))
        let report = try measure(policy, reference)
        if let html { try HTMLFile.write(report.page(command: CommandText.current), to: html) }
        try StandardOutput.write(
            output.json ? ReportJSON.encode(report) : report.text(style: Terminal.output, sequenceCount: show))
        if let failAbove, !(report.summary.exactKLPolicyReference.mean <= failAbove) { throw ExitCode(1) }
    }

    private func measure(_ policy: LoadedModel, _ reference: LoadedModel) throws -> KLReport {
        var options = KLReport.Options(penalty: penalty, shiftedTokenCount: top)
        guard let digits else {
            options.temperature = temperature == 0 ? 1 : temperature
            return try KLReport.measure(
                policy: policy, reference: reference, text: try TextFile.read(text ?? ""), name: text ?? "",
                options: options, pool: output.pool)
        }
        return try KLReport.measure(
            policy: policy, reference: reference,
            additions: .init(
                setup: setup.problems(digits: digits), count: prompts, seed: seed,
                trainedDigits: trainedDigits ?? digits - 1,
                sampling: SamplingOptions(temperature: temperature)),
            options: options, pool: output.pool)
    }

    private var penalty: PenaltyWeight {
        switch certainty {
        case .standard: .standard
        case .negentropy: .prioritised(certainty: .negentropy, beta: beta, intercept: 0)
        case .maximumProbability:
            // The authors' code takes the softmax at temperature 4.
            .prioritised(certainty: .maximumProbability(temperature: 4), beta: beta, intercept: 0)
        }
    }
}
