internal import Analysis
internal import ArgumentParser
internal import Tasks

/// Which text models are compared on, and how.
struct KLTextOptions: ParsableArguments {
    /// What the models are asked to do.
    enum TaskChoice: String, ExpressibleByArgument, CaseIterable {
        case addition
    }

    @Option(help: "The task that prompts and right answers come from.")
    var task: TaskChoice?

    @Option(help: ArgumentHelp("Additions of so many digits.", valueName: "n"))
    var digits: Int?

    @Option(
        help:
            "fixed: both operands have the digits; varying: one has, the other as many or fewer; balanced: each 1 … n (varying)."
    )
    var setup: SetupChoice?

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

    @Option(help: ArgumentHelp("The temperature of sampling and of both distributions (1).", valueName: "t"))
    var temperature: Float?

    @Option(help: ArgumentHelp("How many tokens continue a prompt at most.", valueName: "n"))
    var maxTokens = 256

    @Option(help: ArgumentHelp("The text that ends the continuation of a prompt; \\n is a newline.", valueName: "text"))
    var stop: String?

    @Option(help: ArgumentHelp("The exponent β of the penalty's weight J^β (150).", valueName: "b"))
    var beta: Float?

    /// Whether a text was chosen.
    var isSet: Bool { digits != nil || prompts != nil || text != nil }

    mutating func validate() throws {
        if [digits != nil, prompts != nil, text != nil].count(where: { $0 }) > 1 {
            throw ValidationError("expected one of --digits, --prompts and --text")
        }
        if task != nil, digits == nil { throw ValidationError("--task: expected --digits with it") }
        for (name, value, range) in [
            ("--digits", digits, 1...1000), ("--trained-digits", trainedDigits, 0...1000),
            ("--count", count, 1...1_000_000), ("--max-tokens", maxTokens, 1...1_048_576),
        ] {
            if let value, !range.contains(value) {
                throw ValidationError("\(name): found \(value), expected \(range.lowerBound) … \(range.upperBound)")
            }
        }
        if let beta, !(beta >= 0 && beta.isFinite) {
            throw ValidationError("--beta: found \(beta), expected a number of at least 0")
        }
        if let temperature, !(temperature > 0 && temperature.isFinite) {
            throw ValidationError(
                "--temperature: found \(temperature), expected a number above 0; --source policy-greedy is greedy")
        }
        if text != nil, let source, source != .truth {
            throw ValidationError(
                "--source: found \(source.rawValue), expected truth for a text, which both models read")
        }
    }

    /// How to compare.
    func measurementOptions(shiftedTokenCount: Int, allowsPartOfVocabulary: Bool) -> KLMeasurement.Options {
        KLMeasurement.Options(
            temperature: temperature ?? 1, beta: beta ?? 150, seed: seed, shiftedTokenCount: shiftedTokenCount,
            allowsPartOfVocabulary: allowsPartOfVocabulary)
    }

    /// What is compared, and whose text by default.
    func input() throws -> (KLInput, TextSource) {
        if let digits {
            return (
                .additions(
                    .init(
                        setup: (setup ?? .varying).problems(digits: digits), count: count,
                        trainedDigits: trainedDigits ?? digits - 1)),
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
