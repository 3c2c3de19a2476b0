internal import CheckpointFormat
public import SystemPackage
internal import Tasks
public import Training

extension ExperimentPlan {
    /// One model for each N, and how far it generalises: section 5.2 of arXiv 2502.06533.
    ///
    /// - Parameters:
    ///   - settings: Of every run; N and seed are replaced, and the context is made long enough for N+3 digits where it
    ///     is shorter.
    ///   - digits: The Ns.
    ///   - given: Checkpoints to take instead of training, by N.
    ///   - exampleCount: Questions of each cell.
    public static func pretraining(
        settings: PretrainingConfiguration, digits: [Int], given: [Int: FilePath], seeds: [UInt64], exampleCount: Int
    ) -> ExperimentPlan {
        ExperimentPlan(
            name: "pretraining", title: "How far pre-training generalises",
            summary: "One model for each N is trained on additions of up to N digits and asked N to N+3 digits.",
            baselines: [],
            groups: digits.map { digits in
                Group(
                    name: "N = \(digits)",
                    runs: pretrainingRuns(
                        settings, digits: digits, given: given[digits], seeds: seeds,
                        setups: generalisationSetups(digits: digits), exampleCount: exampleCount), baseline: nil)
            },
            control: nil,
            curves: [
                CurveFigure(metric: "loss", title: "loss", unit: .nats, chart: "Loss of a token of the answer"),
                CurveFigure(metric: "gradient_norm", title: "gradient norm", unit: .number, chart: "Gradient norm"),
            ],
            figures: (0...farthest).flatMap { excess in
                [
                    RunFigure(
                        name: "N\(excess == 0 ? "" : "+\(excess)"), fixed", unit: .share,
                        source: .excess(excess, isFixed: true)),
                    RunFigure(
                        name: "N\(excess == 0 ? "" : "+\(excess)"), varying", unit: .share,
                        source: .excess(excess, isFixed: false)),
                ]
            })
    }

    /// The digits beyond N that are asked.
    static let farthest = 3

    /// N to N+3 digits, fixed and varying.
    static func generalisationSetups(digits: Int) -> [AdditionSetup] {
        (0...farthest).map { .fixed(digits: digits + $0) } + (0...farthest).map { .varying(digits: digits + $0) }
    }

    /// The pre-training of one N with each seed, or the checkpoint that is given for it.
    static func pretrainingRuns(
        _ settings: PretrainingConfiguration, digits: Int, given: FilePath?, seeds: [UInt64], setups: [AdditionSetup],
        exampleCount: Int
    ) -> [ExperimentRun] {
        if let given {
            return [
                ExperimentRun(
                    name: "n\(digits)-given", work: .given(given), trainedDigits: digits, setups: setups,
                    exampleCount: exampleCount)
            ]
        }
        return seeds.map { seed in
            var configuration = settings
            configuration.task.digits = digits
            configuration.seed = seed
            let longest = setups.map { AdditionTask.longestSequence(digits: $0.maximumDigits) }.max() ?? 0
            configuration.model.contextLength = max(configuration.model.contextLength, longest)
            return ExperimentRun(
                name: "n\(digits)-seed\(seed)", work: .pretraining(configuration), trainedDigits: digits,
                setups: setups, exampleCount: exampleCount)
        }
    }
}
