internal import ArgumentParser
internal import Experiments
internal import SystemPackage
internal import Training

/// `crux experiment kl-penalty`.
struct KLPenaltyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kl-penalty",
        abstract: "The standard KL penalty against the prioritised one, over seeds, with paired tests.",
        discussion: """
            Section 5.3 of arXiv 2502.06533: a pre-trained model practises longer additions under both penalties, the \
            prioritised one with each certainty and each β. Curves, forgetting on 1 … N digits, means with 95 % \
            intervals, and paired tests seed by seed. Everything lies under --out; started again, the command goes on \
            where it was.
            """)

    /// Which certainties weight the penalty.
    enum CertaintyChoice: String, CaseIterable, ExpressibleByArgument {
        case negentropy
        case maximumProbability = "maximum-probability"
        case both

        var measures: [FineTuningConfiguration.CertaintyMeasure] {
            switch self {
            case .negentropy: [.negentropy]
            case .maximumProbability: [.maximumProbability]
            case .both: [.negentropy, .maximumProbability]
            }
        }
    }

    @OptionGroup var experiment: ExperimentOptions

    @Option(
        help: ArgumentHelp("The pre-trained checkpoint.", valueName: "file"), completion: .file(extensions: ["crux"]))
    var reference = "fixtures/pretrained/addition-n5.crux"

    @Option(
        help: ArgumentHelp("The settings of every run; penalty and seed are replaced.", valueName: "file"),
        completion: .file(extensions: ["yml", "yaml"]))
    var config = "configs/finetune-kl-penalty.yml"

    @Option(help: ArgumentHelp("The powers β, by commas: 0,10,50,150,500,1000,10000 is appendix C.", valueName: "list"))
    var beta = "150"

    @Option(help: "Equation 2's certainty, the authors' code's, or both.")
    var certainty = CertaintyChoice.both

    @Option(help: ArgumentHelp("Questions of each set-up to each finished model.", valueName: "n"))
    var examples = 200

    func validate() throws {
        _ = try NumberList.parse(beta, option: "--beta", in: 0...1e6)
        guard (1...100_000).contains(examples) else {
            throw ValidationError("--examples: found \(examples), expected 1 … 100000")
        }
    }

    mutating func run() throws {
        let betas = try NumberList.parse(beta, option: "--beta", in: 0...1e6)
        let arms = certainty.measures.flatMap { measure in betas.map { PenaltyArm.prioritised(measure, beta: $0) } }
        try experiment.run(
            try .klPenalty(
                reference: FilePath(reference), settings: try experiment.configuration(config),
                arms: [.standard] + arms, seeds: experiment.seedValues(default: 10), exampleCount: examples))
    }
}
