internal import CheckpointFormat
internal import OrderedCollections
public import SystemPackage
internal import Tasks
public import Training

extension ExperimentPlan {
    /// The standard penalty against the prioritised one: section 5.3 and appendix C of arXiv 2502.06533.
    ///
    /// - Parameters:
    ///   - reference: The pre-trained checkpoint that all policies start from and are held to.
    ///   - settings: Of every run; seed and penalty are replaced.
    ///   - arms: The penalties; the first is what the others are compared with.
    ///   - exampleCount: Questions of each set-up to each finished policy.
    /// - Throws: ``ExperimentError`` where the reference does not say how many digits it was trained on; what reading it
    ///   throws.
    public static func klPenalty(
        reference: FilePath, settings: FineTuningConfiguration, arms: [PenaltyArm], seeds: [UInt64], exampleCount: Int
    ) throws -> ExperimentPlan {
        let trainedDigits = try settings.task.trainedDigits ?? trainedDigits(of: reference)
        let digits = trainedDigits + settings.task.additionalDigits
        let inside = (1...trainedDigits).map { AdditionSetup.varying(digits: $0) }
        let beyond: [AdditionSetup] = [.varying(digits: digits), .fixed(digits: digits)]
        func run(_ name: String, _ work: ExperimentRun.Work) -> ExperimentRun {
            ExperimentRun(
                name: name, work: work, trainedDigits: trainedDigits, setups: inside + beyond,
                exampleCount: exampleCount)
        }
        return ExperimentPlan(
            name: "kl-penalty", title: "Two KL penalties",
            summary: "A model pre-trained on up to \(trainedDigits) digits practises \(digits) digits with RL, held to "
                + "where it started by the standard KL penalty or by one weighted with its certainty.",
            baselines: [run("reference", .given(reference))],
            groups: arms.map { arm in
                Group(
                    name: arm.name,
                    runs: seeds.map { seed in
                        var configuration = arm.applied(to: settings)
                        configuration.seed = seed
                        return run("\(arm.name)-seed\(seed)", .fineTuning(configuration, .checkpoint(reference)))
                    }, baseline: "reference")
            },
            control: arms.first?.name,
            curves: reinforcementCurves(
                trainedDigits: trainedDigits, digits: digits, evaluation: settings.evaluation.setup),
            figures: reinforcementFigures(
                inside: inside, beyond: beyond, trainedDigits: trainedDigits, digits: digits,
                evaluation: settings.evaluation.setup))
    }

    /// N of a checkpoint.
    public static func trainedDigits(of path: FilePath) throws -> Int {
        let stored = try CheckpointReader(path: path).metadata[MetadataKey.configuration]?.stringValue
        guard let digits = stored.flatMap({ ConfigurationLoader.trainedDigits(inStored: $0) }) else {
            throw ExperimentError(
                .unsuitable(
                    subject: "\(path): \(MetadataKey.configuration)", found: "no task.digits",
                    expected: "the configuration of a pre-training run, or a number as task.trained_digits"))
        }
        return digits
    }

    /// The curves of an RL run.
    static func reinforcementCurves(trainedDigits: Int, digits: Int, evaluation: TaskSetup) -> [CurveFigure] {
        let setup = evaluation.rawValue.replacing("-", with: "_")
        var curves = [
            CurveFigure(
                metric: "success_rate", title: "right answers while practising", unit: .share,
                chart: "Success while practising"),
            CurveFigure(metric: "reward", title: "mean reward", unit: .number, chart: "Reward"),
            CurveFigure(
                metric: "accuracy_\(setup)_\(trainedDigits)", title: "accuracy, \(trainedDigits) digits, sampled",
                unit: .share, chart: "Comfort zone: \(trainedDigits) digits, sampled"),
            CurveFigure(
                metric: "accuracy_\(setup)_\(digits)", title: "accuracy, \(digits) digits, sampled", unit: .share,
                chart: "Accuracy on \(digits) digits, sampled"),
        ]
        for (estimator, title) in [
            ("exact", "exact"), ("k1", "k1 estimate"), ("k2", "k2 estimate"), ("k3", "k3 estimate"),
        ] {
            curves.append(
                CurveFigure(
                    metric: "kl_policy_reference_\(estimator)", title: "KL(policy ‖ reference), \(title)", unit: .nats,
                    chart: "KL(policy ‖ reference), \(title)"))
        }
        curves += [
            CurveFigure(
                metric: "kl_reference_policy_exact", title: "KL(reference ‖ policy), exact", unit: .nats,
                chart: "KL(reference ‖ policy), exact"),
            CurveFigure(metric: "entropy", title: "entropy", unit: .nats, chart: "Entropy of the policy"),
            CurveFigure(
                metric: "penalty_weight", title: "mean weight of the penalty", unit: .number,
                chart: "Mean weight of the penalty"),
        ]
        // Figure 7: step lines 1 to 3, both operands.
        for step in 1...3 {
            for operand in 1...2 {
                curves.append(
                    CurveFigure(
                        metric: "critical_probability/step_\(step)/operand_\(operand)/n+1_comma",
                        title: "P(right comma), step \(step), operand \(operand)", unit: .share,
                        chart: "Critical comma: step \(step), operand \(operand)"))
            }
        }
        return curves
    }

    /// What an RL run comes to.
    static func reinforcementFigures(
        inside: [AdditionSetup], beyond: [AdditionSetup], trainedDigits: Int, digits: Int, evaluation: TaskSetup
    ) -> [RunFigure] {
        let setup = evaluation.rawValue.replacing("-", with: "_")
        var figures = [
            RunFigure(
                name: "success while practising, area under the curve", unit: .share,
                source: .meanHeight("success_rate")),
            RunFigure(
                name: "success while practising, last update", unit: .share, source: .last("success_rate")),
        ]
        figures += [digits, trainedDigits].map { digits in
            RunFigure(
                name: "last evaluation, \(digits) digits, sampled", unit: .share,
                source: .last("accuracy_\(setup)_\(digits)"))
        }
        figures += beyond.map { setup in
            RunFigure(name: "final accuracy, \(setup), greedy", unit: .share, source: .accuracy([setup]))
        }
        if let comfortZone = inside.last {
            figures.append(
                RunFigure(
                    name: "comfort zone: accuracy, \(comfortZone), greedy", unit: .share,
                    source: .accuracy([comfortZone])))
        }
        figures += ["exact", "k1", "k2", "k3"].map { estimator in
            RunFigure(
                name: "KL(policy ‖ reference), \(estimator), last update", unit: .nats,
                source: .last("kl_policy_reference_\(estimator)"))
        }
        figures += [
            RunFigure(
                name: "forgetting: accuracy on 1 … \(inside.count) digits, greedy, mean", unit: .share,
                source: .accuracy(inside)),
            RunFigure(
                name: "P(right token at critical commas), last update", unit: .share,
                source: .last("critical_comma_probability")),
            RunFigure(
                name: "P(right token at critical digits), last update", unit: .share,
                source: .last("critical_digit_probability")),
            RunFigure(name: "entropy, last update", unit: .nats, source: .last("entropy")),
        ]
        return figures
    }
}
