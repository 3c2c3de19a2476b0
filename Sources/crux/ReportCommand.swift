internal import Analysis
internal import ArgumentParser
internal import CheckpointInterop
internal import Experiments
internal import Rendering
internal import SystemPackage
internal import Tasks
internal import Training

/// `crux report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write one page about a folder of checkpoints: learning curves, weights, behaviour.",
        discussion: """
            Every policy of the folder is compared with the reference that it records, in its weights as crux diff does and \
            token by token as crux kl does; the learning curves are those that training stored in the checkpoints. What is \
            asked is what the run practised, unless --digits, --prompts or --text says otherwise. Exit code 2: could not run.
            """)

    @Argument(help: "The folder.", completion: .directory)
    var folder: String

    @Option(
        help: ArgumentHelp(
            "What policies are compared with; else the checkpoint here or in the folder above whose digest they record.",
            valueName: "checkpoint"), completion: .file())
    var reference: String?

    @Option(
        name: .shortAndLong, help: ArgumentHelp("The page (FOLDER/report.html).", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var out: String?

    @Flag(help: "Compare weights alone.")
    var weightsOnly = false

    @Flag(
        help: "Make it an error, exit code 2, where a file of the folder cannot be opened or a policy not be compared.")
    var strict = false

    @Option(help: ArgumentHelp("How many tensors and shifted tokens to list of each policy.", valueName: "n"))
    var limit = 12

    @OptionGroup var text: KLTextOptions

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !(0...1_000_000).contains(limit) {
            throw ValidationError("--limit: found \(limit), expected 0 … 1000000")
        }
        if weightsOnly, text.isSet { throw ValidationError("--weights-only: found a text to compare behaviour on") }
    }

    mutating func run() throws {
        let bases = try output.baseSearch()
        let folder = try RunFolder(
            FilePath(folder), reference: reference.map { try CheckpointOpener.open(FilePath($0), bases: bases) },
            bases: bases)
        let progress = PartProgress(output: output)
        let report = try RunReport(folder, text: weightsOnly ? nil : text(of: folder), pool: output.pool) {
            stage, done, total in
            switch stage {
            case .weights(let path): progress.show("diff \(path)", done, total)
            case .behaviour(let path, let stage): progress.show("\(stage.word) \(path)", done, total)
            }
        }
        progress.finish()
        let page = out ?? folder.path.appending("report.html").string
        try HTMLFile.write(report.page(command: CommandText.current, limit: limit), to: page)
        try StandardOutput.write(
            output.json ? ReportJSON.encode(report) : report.text(style: Terminal.output) + "page: \(page)\n")
        let unreadable = report.leftOut.first(where: \.isUnreadable).map { "\($0.path): \($0.reason)" }
        let incomparable = report.diffs.compactMap(\.structure.incomparable).first
        if strict, let reason = report.gaps.first ?? unreadable ?? incomparable {
            throw CommandFailure.couldNotRun("--strict: \(reason)")
        }
    }

    /// What the options choose; else what the run practised, at its temperature.
    private func text(of folder: RunFolder) throws -> RunReport.Text {
        if text.isSet {
            let (input, source) = try text.input()
            return RunReport.Text(
                input, source: source,
                options: text.measurementOptions(shiftedTokenCount: limit, allowsPartOfVocabulary: false))
        }
        guard let run = folder.practised, let trained = text.trainedDigits ?? run.task.trainedDigits else {
            throw CommandFailure.couldNotRun(
                "\(folder.path): found no configuration that says what was practised, expected --digits, --prompts, --text "
                    + "or --weights-only")
        }
        var options = text.measurementOptions(shiftedTokenCount: limit, allowsPartOfVocabulary: false)
        options.temperature = text.temperature ?? Float(run.rollout.temperature)
        options.beta = text.beta ?? Float(run.penalty.beta)
        let digits = trained + run.task.additionalDigits
        return RunReport.Text(
            .additions(
                .init(
                    setup: text.setup?.problems(digits: digits)
                        ?? run.task.setup.problems(trainedDigits: trained, additionalDigits: run.task.additionalDigits),
                    count: text.count, trainedDigits: trained)),
            source: text.source ?? .policySamples, options: options)
    }
}
