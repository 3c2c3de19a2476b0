public import SystemPackage
internal import Tasks
public import Training

extension ExperimentPlan {
    /// RL of models with different N on N+1 and N+2 digits: figure 3 of arXiv 2502.06533.
    ///
    /// - Parameters:
    ///   - pretraining: The settings of the models that are made here; N is replaced.
    ///   - given: Checkpoints to take instead, by N.
    ///   - settings: The settings of RL; seed and digits are replaced.
    ///   - digits: The Ns.
    ///   - additionalDigits: The ks of N+k.
    ///   - exampleCount: Questions of each set-up.
    public static func levels(
        pretraining: PretrainingConfiguration, given: [Int: FilePath], settings: FineTuningConfiguration,
        digits: [Int], additionalDigits: [Int], seeds: [UInt64], exampleCount: Int
    ) -> ExperimentPlan {
        let farthest = additionalDigits.max() ?? 1
        var baselines: [ExperimentRun] = []
        var groups: [Group] = []
        for trainedDigits in digits {
            let setups = (0...farthest).map { AdditionSetup.varying(digits: trainedDigits + $0) }
            let models = pretrainingRuns(
                pretraining, digits: trainedDigits, given: given[trainedDigits], seeds: [pretraining.seed],
                setups: setups, exampleCount: exampleCount)
            baselines += models
            guard let model = models.first else { continue }
            for additional in additionalDigits {
                let runs = seeds.map { seed in
                    var configuration = settings
                    configuration.seed = seed
                    configuration.task.trainedDigits = trainedDigits
                    configuration.task.additionalDigits = additional
                    configuration.evaluation.additionalDigits = [0, additional]
                    let reference: ExperimentRun.Reference =
                        given[trainedDigits].map { .checkpoint($0) } ?? .run(model.name)
                    return ExperimentRun(
                        name: "n\(trainedDigits)-plus\(additional)-seed\(seed)",
                        work: .fineTuning(configuration, reference), trainedDigits: trainedDigits, setups: setups,
                        exampleCount: exampleCount)
                }
                groups.append(
                    Group(name: "N = \(trainedDigits), N+\(additional)", runs: runs, baseline: model.name))
            }
        }
        return ExperimentPlan(
            name: "levels", title: "RL from different levels of pre-training",
            summary: "Models pre-trained on up to N digits practise N+k digits with RL under the standard KL penalty.",
            baselines: baselines, groups: groups, control: nil,
            curves: [
                CurveFigure(
                    metric: "success_rate", title: "right answers while practising", unit: .share,
                    chart: "Success while practising"),
                CurveFigure(
                    metric: "kl_policy_reference_exact", title: "KL(policy ‖ reference), exact", unit: .nats,
                    chart: "KL(policy ‖ reference), exact"),
                CurveFigure(metric: "entropy", title: "entropy", unit: .nats, chart: "Entropy of the policy"),
                CurveFigure(
                    metric: "critical_comma_probability", title: "P(right token at critical commas)", unit: .share,
                    chart: "The right token at critical commas"),
            ],
            figures: [
                RunFigure(
                    name: "success while practising, first update", unit: .share, source: .first("success_rate")),
                RunFigure(
                    name: "success while practising, area under the curve", unit: .share,
                    source: .meanHeight("success_rate")),
                RunFigure(name: "success while practising, last update", unit: .share, source: .last("success_rate")),
            ]
                + (0...farthest).map { excess in
                    RunFigure(
                        name: "final accuracy, N\(excess == 0 ? "" : "+\(excess)"), varying, greedy", unit: .share,
                        source: .excess(excess, isFixed: false))
                })
    }
}
