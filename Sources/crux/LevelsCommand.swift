internal import ArgumentParser
internal import Experiments
internal import SystemPackage
internal import Training

/// `crux experiment levels`.
struct LevelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "levels",
        abstract: "RL of models with different N on N+1 and N+2 digits.",
        discussion: """
            Figure 3 of arXiv 2502.06533: how far a model gets by RL depends on how far its pre-training went. The \
            models are pre-trained first, or given with --model.
            """)

    @OptionGroup var experiment: ExperimentOptions
    @OptionGroup var models: LevelModels

    @Option(help: ArgumentHelp("The Ns, by commas.", valueName: "list"))
    var digits = "2,3,5"

    @Option(name: .customLong("additional"), help: ArgumentHelp("The ks of N+k, by commas.", valueName: "list"))
    var additionalDigits = "1,2"

    @Option(
        help: ArgumentHelp("The settings of RL; seed and digits are replaced.", valueName: "file"),
        completion: .file(extensions: ["yml", "yaml"]))
    var config = "configs/finetune-kl-penalty.yml"

    @Option(
        name: .customLong("set-pretraining"), parsing: .singleValue,
        help: ArgumentHelp("Override a setting of pre-training; --set is for RL.", valueName: "key=value"))
    var pretrainingOverrides: [String] = []

    @Option(help: ArgumentHelp("Questions of each set-up.", valueName: "n"))
    var examples = 200

    func validate() throws {
        _ = try NumberList.parse(digits, option: "--digits", in: 1...100)
        _ = try NumberList.parse(additionalDigits, option: "--additional", in: 1...100)
        guard (1...100_000).contains(examples) else {
            throw ValidationError("--examples: found \(examples), expected 1 … 100000")
        }
    }

    mutating func run() throws {
        try experiment.run(
            .levels(
                pretraining: try models.settings(experiment, overrides: pretrainingOverrides),
                given: try models.given(), settings: try experiment.configuration(config),
                digits: try NumberList.parse(digits, option: "--digits", in: 1...100),
                additionalDigits: try NumberList.parse(additionalDigits, option: "--additional", in: 1...100),
                seeds: experiment.seedValues(default: 3), exampleCount: examples))
    }
}
