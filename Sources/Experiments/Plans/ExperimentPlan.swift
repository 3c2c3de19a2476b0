public import Tasks

/// What an experiment runs and what it looks at: runs in groups that are compared, one of each group for every seed.
public struct ExperimentPlan: Sendable {
    /// Runs that differ in their seed only.
    public struct Group: Sendable {
        /// What the runs have in common, for people: `standard`, `N = 5, one digit more`.
        public let name: String
        /// The runs by seed.
        public let runs: [ExperimentRun]
        /// The name of the baseline that the group starts from; nil where it starts from nothing.
        public let baseline: String?
    }

    /// The experiment's name: `kl-penalty`.
    public let name: String
    /// The title of its report.
    public let title: String
    /// What is done, in a sentence or two.
    public let summary: String
    /// The models that groups start from, trained or given.
    public let baselines: [ExperimentRun]
    /// The groups.
    public let groups: [Group]
    /// The name of the group that the others are compared with, seed by seed; nil for no comparison.
    public let control: String?
    /// The figures of training that are shown step by step.
    public let curves: [CurveFigure]
    /// What each run comes to.
    public let figures: [RunFigure]

    /// All runs in the order in which they are taken: baselines, then seed by seed, so that what is there at any time
    /// can be compared.
    public var runs: [ExperimentRun] {
        let longest = groups.map(\.runs.count).max() ?? 0
        return baselines
            + (0..<longest).flatMap { index in
                groups.compactMap { $0.runs.indices.contains(index) ? $0.runs[index] : nil }
            }
    }
}

/// How a figure is written.
public enum FigureUnit: String, Codable, Hashable, Sendable {
    /// A share, shown in per cent.
    case share
    /// A divergence or an entropy, in nats.
    case nats
    /// Anything else.
    case number
}

/// A figure of training that is shown step by step.
public struct CurveFigure: Codable, Hashable, Sendable {
    /// Its name in the metrics.
    public let metric: String
    /// Its name for people.
    public let title: String
    /// How it is written.
    public let unit: FigureUnit
    /// The charts that show it; curves of one chart stand in the plan one after another.
    public let chart: String
}

/// One number that a run comes to.
public struct RunFigure: Hashable, Sendable {
    /// Where the number comes from.
    public enum Source: Hashable, Sendable {
        /// The mean height of a curve of training: the area under it over the width of its steps.
        case meanHeight(String)
        /// The first value of a curve of training.
        case first(String)
        /// The last value of a curve of training.
        case last(String)
        /// The finished model's accuracy on so many digits beyond its N, fixed or varying.
        case excess(Int, isFixed: Bool)
        /// The finished model's accuracy, the mean over set-ups.
        case accuracy([AdditionSetup])
    }

    /// Its name for people.
    public let name: String
    /// How it is written.
    public let unit: FigureUnit
    /// Where it comes from.
    public let source: Source

    /// The number; nil where the run has not come so far.
    func value(of state: RunState) -> Double? {
        switch source {
        case .meanHeight(let metric): return Curve.meanHeight(state.history.points(of: metric))
        case .first(let metric): return state.history.points(of: metric).first?.value
        case .last(let metric): return state.history.points(of: metric).last?.value
        case .excess(let excess, let isFixed):
            let digits = state.run.trainedDigits + excess
            return state.measures?.accuracies.accuracy(on: isFixed ? .fixed(digits: digits) : .varying(digits: digits))?
                .mean
        case .accuracy(let setups):
            guard let accuracies = state.measures?.accuracies else { return nil }
            let values = setups.compactMap { accuracies.accuracy(on: $0)?.mean }
            return values.count == setups.count && !values.isEmpty
                ? values.reduce(0, +) / Double(values.count) : nil
        }
    }
}
