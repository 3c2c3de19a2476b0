extension ExperimentResult {
    /// Collects what is there; runs that are under way count as far as their metrics go.
    ///
    /// - Throws: Where a run's file cannot be read.
    public init(_ plan: ExperimentPlan, in folder: ExperimentFolder) throws {
        schemaVersion = Self.currentSchemaVersion
        experiment = plan.name
        title = plan.title
        summary = plan.summary
        baselines = try plan.baselines.map { Self.result(try RunState($0, in: folder), plan.figures) }
        var groups: [GroupResult] = []
        for group in plan.groups {
            let states = try group.runs.map { try RunState($0, in: folder) }
            let runs = states.map { Self.result($0, plan.figures) }
            let trained = runs.filter(\.isTrained)
            groups.append(
                GroupResult(
                    name: group.name, baseline: group.baseline, runs: runs,
                    curves: plan.curves.compactMap { figure in
                        let points = Curve.mean(states.map { $0.history.points(of: figure.metric) })
                        return points.isEmpty ? nil : GroupCurve(figure: figure, points: points)
                    },
                    figures: plan.figures.compactMap { figure in
                        let values = trained.compactMap { $0.figures[figure.name] }
                        return values.isEmpty
                            ? nil : GroupFigure(name: figure.name, unit: figure.unit, value: MeanInterval(values))
                    }))
        }
        self.groups = groups
        comparisons = Self.comparisons(groups, control: plan.control, figures: plan.figures)
    }

    private static func result(_ state: RunState, _ figures: [RunFigure]) -> RunResult {
        var values: [String: Double] = [:]
        for figure in figures { values[figure.name] = figure.value(of: state) }
        return RunResult(
            name: state.run.name, seed: state.run.seed, trainedDigits: state.run.trainedDigits,
            steps: state.run.steps, finishedSteps: state.history.records.last?.step ?? 0,
            isFinished: state.isFinished, isTrained: state.isTrained, trainingSeconds: state.trainingSeconds,
            weightsDigest: state.measures?.weightsDigest, accuracies: state.measures?.accuracies, figures: values)
    }

    private static func comparisons(
        _ groups: [GroupResult], control: String?, figures: [RunFigure]
    ) -> [GroupComparison] {
        guard let control = groups.first(where: { $0.name == control }) else { return [] }
        let controls = control.runs.filter(\.isTrained)
        return groups.filter { $0.name != control.name }.flatMap { group in
            figures.compactMap { figure -> GroupComparison? in
                let pairs = group.runs.filter(\.isTrained).compactMap { run -> (Double, Double)? in
                    guard let value = run.figures[figure.name],
                        let other = controls.first(where: { $0.seed == run.seed })?.figures[figure.name]
                    else { return nil }
                    return (value, other)
                }
                guard !pairs.isEmpty else { return nil }
                return GroupComparison(
                    figure: figure.name, unit: figure.unit, group: group.name, control: control.name,
                    test: PairedTest(treatment: pairs.map(\.0), control: pairs.map(\.1)))
            }
        }
    }
}
