internal import ArgumentParser
internal import Experiments
internal import SystemPackage
internal import Training

/// `crux experiment pretraining`.
struct PretrainingExperimentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretraining",
        abstract: "One model for each N: accuracy on N to N+3 digits beside the published table.",
        discussion: """
            Section 5.2 of arXiv 2502.06533. Each model is trained on additions of up to N digits and asked N to N+3 \
            digits, both operands as long (fixed) or one of them shorter (varying). --model takes a checkpoint that is \
            there already instead of training.
            """)

    @OptionGroup var experiment: ExperimentOptions
    @OptionGroup var models: LevelModels

    @Option(help: ArgumentHelp("The Ns, by commas.", valueName: "list"))
    var digits = "1,2,3,5"

    @Option(help: ArgumentHelp("Questions of each cell.", valueName: "n"))
    var examples = 1000

    func validate() throws {
        _ = try NumberList.parse(digits, option: "--digits", in: 1...100)
        guard (1...100_000).contains(examples) else {
            throw ValidationError("--examples: found \(examples), expected 1 … 100000")
        }
    }

    mutating func run() throws {
        try experiment.run(
            .pretraining(
                settings: try models.settings(experiment),
                digits: try NumberList.parse(digits, option: "--digits", in: 1...100), given: try models.given(),
                seeds: experiment.seedValues(default: 1), exampleCount: examples))
    }
}

/// Which models an experiment over several Ns takes or makes.
struct LevelModels: ParsableArguments {
    @Option(
        help: ArgumentHelp("The settings of pre-training; N and seed are replaced.", valueName: "file"),
        completion: .file(extensions: ["yml", "yaml"]))
    var pretraining = "configs/pretrain-levels.yml"

    @Option(
        name: .customLong("model"), parsing: .singleValue,
        help: ArgumentHelp("A checkpoint to take instead of training; names its own N.", valueName: "file"),
        completion: .file(extensions: ["crux"]))
    var models: [String] = []

    /// The settings of pre-training with the overrides, without questions beyond the context of any N.
    func settings(_ experiment: ExperimentOptions, overrides: [String]? = nil) throws -> PretrainingConfiguration {
        try ConfigurationLoader.load(
            yaml: TextFile.read(pretraining), fileName: pretraining,
            overrides: (overrides ?? experiment.overrides) + ["evaluation.examples=0"])
    }

    /// The checkpoints by their N.
    func given() throws -> [Int: FilePath] {
        var given: [Int: FilePath] = [:]
        for model in models {
            let path = FilePath(model)
            let digits = try ExperimentPlan.trainedDigits(of: path)
            if let other = given[digits] {
                throw CommandFailure.couldNotRun(
                    "\(model): has N = \(digits), as \(other); expected one model for each N")
            }
            given[digits] = path
        }
        return given
    }
}
