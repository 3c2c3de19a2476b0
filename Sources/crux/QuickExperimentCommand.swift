internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import Experiments
internal import Foundation
internal import Rendering
internal import SystemPackage
internal import Training

/// `crux experiment quick`.
struct QuickExperimentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quick",
        abstract: "Pre-train, fine-tune under both KL penalties, verify, compare; about ten minutes on two cores.",
        discussion: """
            A small model is pre-trained on the spot. Fine-tuning starts from the pre-trained checkpoint that comes with \
            the project, because the size at which one digit more begins to work takes longer to pre-train; \
            --from-scratch makes that one too. Everything lies under --out; started again, the command goes on where it \
            was, and does nothing twice. Run it in the project's folder, or say where --configs and --reference are.
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder for everything.", valueName: "folder"))
    var out = "demo"

    @Option(help: ArgumentHelp("Runs of each penalty: seeds 1 … n.", valueName: "n"))
    var seeds = 3

    @Flag(help: "Pre-train the reference too (about ten minutes more).")
    var fromScratch = false

    @Option(
        help: ArgumentHelp("The pre-trained checkpoint.", valueName: "file"), completion: .file(extensions: ["crux"]))
    var reference = "fixtures/pretrained/addition-n5.crux"

    @Option(
        help: ArgumentHelp(
            "The folder of pretrain-demo.yml, pretrain-n5.yml, finetune-standard.yml and finetune-prioritised.yml.",
            valueName: "folder"))
    var configs = "configs"

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override a setting of both fine-tuning arms.", valueName: "key=value"))
    var overrides: [String] = []

    @Option(help: ArgumentHelp("Questions of each evaluation.", valueName: "n"))
    var examples = 200

    @OptionGroup var output: OutputOptions

    func validate() throws {
        for (name, value) in [("--seeds", seeds), ("--examples", examples)] where !(1...10_000).contains(value) {
            throw ValidationError("\(name): found \(value), expected 1 … 10000")
        }
    }

    mutating func run() throws {
        let start = ContinuousClock.now
        let plan = try plan()
        let narration = QuickExperimentNarration(hidesProgress: output.hidesProgress)
        let experiment = QuickExperiment(plan: plan, pool: output.pool, stop: Interruption.stopFlag) {
            narration.tell($0)
        }
        let outcome: QuickExperiment.Outcome
        do {
            outcome = try experiment.run()
        } catch is ExperimentInterrupted {
            narration.finish()
            Interruption.endExperiment(savedIn: out)
        }
        narration.finish()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let page = outcome.page(command: CommandText.current, seconds: seconds)
        let pagePath = plan.folder.appending("report.html").string
        try HTMLFile.write(page, to: pagePath)
        let json = try ReportJSON.encode(outcome.result)
        try OutputFile.write(json, to: plan.folder.appending("report.json"))
        try StandardOutput.write(
            output.json ? json : outcome.result.text(style: Terminal.output, report: pagePath, seconds: seconds))
    }

    private func plan() throws -> QuickExperiment.Plan {
        let folder = FilePath(configs)
        func load<Configuration: RunConfiguration>(
            _ name: String, overrides: [String] = []
        ) throws -> Configuration {
            let path = folder.appending(name).string
            var overrides = overrides
            if let workers = output.workers { overrides.append("workers=\(workers)") }
            return try ConfigurationLoader.load(yaml: TextFile.read(path), fileName: path, overrides: overrides)
        }
        if !fromScratch, !FileManager.default.fileExists(atPath: reference) {
            throw CommandFailure.couldNotRun(
                "\(reference): no such file; run this in the project's folder, name it with --reference, or use "
                    + "--from-scratch")
        }
        return QuickExperiment.Plan(
            folder: FilePath(out), live: try load("pretrain-demo.yml"),
            shippedReference: fromScratch ? nil : FilePath(reference), reference: try load("pretrain-n5.yml"),
            arms: [
                .standard: try load("finetune-standard.yml", overrides: overrides),
                .prioritised: try load("finetune-prioritised.yml", overrides: overrides),
            ], seeds: (1...UInt64(seeds)).map { $0 }, exampleCount: examples, divergencePromptCount: 60)
    }
}
