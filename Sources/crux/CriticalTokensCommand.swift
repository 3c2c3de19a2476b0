internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import Experiments
internal import Foundation
internal import Rendering
internal import SystemPackage

/// `crux experiment critical-tokens`.
struct CriticalTokensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "critical-tokens",
        abstract: "Where a pre-trained model is unsure, and whether those tokens decide the answer.",
        discussion: """
            Table 1 and figure 5 of arXiv 2502.06533. The model answers additions longer than any it was trained on. \
            Critical tokens are found by their place in the scratchpad, and without knowing the task: a token of the \
            right answer is forced right and wrong, and the share of right answers of roll-outs says how much it \
            decides. Both are set beside the certainty. Forced tokens are kept problem by problem under --out: started \
            again, the command goes on where it was.
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder for everything.", valueName: "folder"))
    var out: String

    @Option(
        help: ArgumentHelp("The pre-trained checkpoint.", valueName: "file"), completion: .file(extensions: ["crux"]))
    var model = "fixtures/pretrained/addition-n5.crux"

    @Option(help: ArgumentHelp("Digits beyond those of pre-training.", valueName: "k"))
    var additional = 1

    @Flag(help: "Both operands have so many digits; otherwise one of them.")
    var fixed = false

    @Option(help: ArgumentHelp("Answers whose certainty is measured.", valueName: "n"))
    var generations = 50

    @Option(help: ArgumentHelp("Problems along whose right answers tokens are forced; 0 for none.", valueName: "n"))
    var problems = 10

    @Option(help: ArgumentHelp("Forced tokens of each problem, the critical ones by place among them.", valueName: "n"))
    var tokens = 40

    @Option(help: ArgumentHelp("Roll-outs after each forced token, right and wrong.", valueName: "n"))
    var rollouts = 10

    @Option(help: ArgumentHelp("The temperature of answers and roll-outs.", valueName: "t"))
    var temperature: Float = 1

    @Option(help: ArgumentHelp("The seed of problems and sampling.", valueName: "s"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Scratchpads that are shown coloured.", valueName: "n"))
    var show = 3

    @OptionGroup var output: OutputOptions

    func validate() throws {
        for (name, value, range) in [
            ("--additional", additional, 1...100), ("--generations", generations, 1...100_000),
            ("--problems", problems, 0...100_000), ("--tokens", tokens, 1...100_000),
            ("--rollouts", rollouts, 1...100_000), ("--show", show, 0...1000),
        ] where !range.contains(value) {
            throw ValidationError("\(name): found \(value), expected \(range.lowerBound) … \(range.upperBound)")
        }
        guard temperature > 0, temperature <= 100 else {
            throw ValidationError("--temperature: found \(temperature), expected a number above 0, at most 100")
        }
    }

    mutating func run() throws {
        let folder = FilePath(out)
        let options = CriticalTokenStudy.Options(
            trainedDigits: try ExperimentPlan.trainedDigits(of: FilePath(model)), additionalDigits: additional,
            isFixed: fixed, generationCount: generations, forcedProblemCount: problems, forcedTokenCount: tokens,
            rolloutCount: rollouts, temperature: temperature, seed: seed)
        let progress = output.progress("forced tokens, problem")
        let study = CriticalTokenStudy(
            model: try LoadedModel(output.open(model)), options: options, folder: folder, pool: output.pool,
            stop: Interruption.stopFlag
        ) { progress.update(.init($0, of: $1)) }
        let outcome: CriticalTokenStudy.Outcome
        do {
            outcome = try study.run()
        } catch is ExperimentInterrupted {
            progress.finish()
            Interruption.endExperiment(savedIn: out)
        }
        progress.finish()
        let page = folder.appending("report.html")
        try HTMLFile.write(outcome.page(command: CommandText.current, shown: show), to: page.string)
        try OutputFile.write(try ReportJSON.encode(outcome.result), to: folder.appending("report.json"))
        try OutputFile.write(outcome.result.certaintiesCSV, to: folder.appending("certainties.csv"))
        try OutputFile.write(outcome.result.forcedCSV, to: folder.appending("forced.csv"))
        try StandardOutput.write(
            output.json
                ? try ReportJSON.encode(outcome.result)
                : outcome.text(style: Terminal.output, shown: show, report: page.string))
    }
}
