internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Kernels
internal import LanguageModel
internal import Rendering
internal import SystemPackage
internal import Tasks
internal import Training

/// `crux evaluate`.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how many additions models get exactly right.",
        discussion: """
            All models are asked the same problems. An answer is right where its result line is; the steps before it do \
            not matter. Intervals are 95 %, by bootstrap.
            """)

    @Argument(help: "The checkpoints, of any format that can be opened.", completion: .file())
    var checkpoints: [String]

    @Option(
        help: ArgumentHelp(
            "Digits, for example 5,6,7 (default: N … N+3 where pre-training showed N, as far as the context reaches).",
            valueName: "n,…"),
        transform: DigitList.init)
    var digits: DigitList?

    @Option(
        parsing: .singleValue,
        help:
            "fixed: both operands have the digits; varying: one has, the other as many or fewer; balanced: each 1 … n. Repeatable (default: varying and fixed)."
    )
    var setup: [SetupChoice] = []

    @Option(help: ArgumentHelp("Additions of each set-up and number of digits.", valueName: "k"))
    var examples = 200

    @Option(help: ArgumentHelp("The temperature of sampling; 0: always the most probable token.", valueName: "t"))
    var temperature: Float = 0

    @OptionGroup var sampling: SamplingArguments

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if checkpoints.isEmpty { throw ValidationError("expected at least one checkpoint") }
        if !(1...1_000_000).contains(examples) {
            throw ValidationError("--examples: found \(examples), expected 1 … 1000000")
        }
        try SamplingArguments.check(temperature: temperature)
    }

    mutating func run() throws {
        let options = ModelEvaluation.Options(
            exampleCount: examples, sampling: SamplingOptions(temperature: temperature, topK: sampling.topK),
            seed: sampling.seed)
        let pool = output.pool
        let progress = output.progress("evaluate")
        var models: [ModelEvaluation] = []
        for path in checkpoints {
            let model = try LoadedModel(output.open(path))
            let trainedDigits = model.configuration.flatMap(ConfigurationLoader.trainedDigits(inStored:))
            let setups = try setups(for: model, trainedDigits: trainedDigits)
            var done = models.count * setups.count
            models.append(
                try ModelEvaluation.measure(
                    model, trainedDigits: trainedDigits, setups: setups, options: options, pool: pool
                ) { _ in
                    progress.update(.init(done, of: checkpoints.count * setups.count))
                    done += 1
                })
        }
        progress.finish()
        let report = EvaluationReport(options: options, models: models)
        try StandardOutput.write(output.json ? ReportJSON.encode(report) : report.text(style: Terminal.output))
    }

    /// The rows of a model's table.
    private func setups(for model: LoadedModel, trainedDigits: Int?) throws -> [AdditionSetup] {
        let choices = setup.isEmpty ? [.varying, .fixed] : setup
        let digits = try digits?.values ?? defaultDigits(for: model, trainedDigits: trainedDigits)
        return choices.flatMap { choice in digits.map { choice.problems(digits: $0) } }
    }

    private func defaultDigits(for model: LoadedModel, trainedDigits: Int?) throws -> [Int] {
        guard let trainedDigits else {
            throw CommandFailure.couldNotRun(
                "\(model.identity.path): \(MetadataKey.configuration): found no task.digits of a pre-training, "
                    + "expected them, or --digits")
        }
        try model.checkContext(holdsDigits: trainedDigits)
        return (trainedDigits...(trainedDigits + 3)).filter { model.contextHolds(digits: $0) }
    }
}

/// Numbers of digits joined by commas.
struct DigitList {
    /// Each at least 1, in the order given.
    let values: [Int]

    /// Reads `5,6,7`.
    init(_ text: String) throws {
        values = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let value = Int(part), (1...1000).contains(value) else {
                throw ValidationError("found '\(text)', expected numbers from 1 to 1000 joined by commas, as 5,6,7")
            }
            return value
        }
    }
}
