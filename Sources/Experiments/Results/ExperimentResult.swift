/// What an experiment has come to so far: plain values for the report and for programs.
public struct ExperimentResult: Codable, Hashable, Sendable {
    /// The version of this layout.
    public static let currentSchemaVersion = 1

    /// The version of this layout.
    public let schemaVersion: Int
    /// The experiment's name: `kl-penalty`.
    public let experiment: String
    /// The title of its report.
    public let title: String
    /// What is done.
    public let summary: String
    /// The models that groups start from.
    public let baselines: [RunResult]
    /// The groups of runs that differ in their seed only.
    public let groups: [GroupResult]
    /// Every other group against the control, over the seeds that both are done with; empty without a control.
    public let comparisons: [GroupComparison]

    /// One run so far.
    public struct RunResult: Codable, Hashable, Sendable {
        /// The run's name.
        public let name: String
        /// Its seed; nil for a model that was given.
        public let seed: UInt64?
        /// N.
        public let trainedDigits: Int
        /// The training's steps in all.
        public let steps: Int
        /// Those that its metrics show.
        public let finishedSteps: Int
        /// Whether it is trained and measured.
        public let isFinished: Bool
        /// Whether all steps are done: from then on its figures of training are final.
        public let isTrained: Bool
        /// The seconds that training took.
        public let trainingSeconds: Double
        /// The digest of the finished model's weights, hexadecimal.
        public let weightsDigest: String?
        /// What the finished model answered.
        public let accuracies: AdditionAccuracies?
        /// What the run comes to, by the figures' names; what it has not come to yet is not there.
        public let figures: [String: Double]
    }

    /// The runs of a group and their means.
    public struct GroupResult: Codable, Hashable, Sendable {
        /// The group.
        public let name: String
        /// The model that it starts from.
        public let baseline: String?
        /// Its runs by seed.
        public let runs: [RunResult]
        /// Its curves, the mean over the runs that have come so far.
        public let curves: [GroupCurve]
        /// What its runs come to whose training is done.
        public let figures: [GroupFigure]
    }

    /// One curve of a group.
    public struct GroupCurve: Codable, Hashable, Sendable {
        /// What it shows.
        public let figure: CurveFigure
        /// Mean and interval over runs, step by step.
        public let points: [CurvePoint]
    }

    /// One figure of a group.
    public struct GroupFigure: Codable, Hashable, Sendable {
        /// The figure's name.
        public let name: String
        /// How it is written.
        public let unit: FigureUnit
        /// Mean and interval over the runs that have come so far.
        public let value: MeanInterval
    }

    /// One figure of a group against the control's.
    public struct GroupComparison: Codable, Hashable, Sendable {
        /// The figure's name.
        public let figure: String
        /// How it is written.
        public let unit: FigureUnit
        /// The group.
        public let group: String
        /// What it is compared with.
        public let control: String
        /// The comparison, seed by seed.
        public let test: PairedTest
    }

    /// All runs, baselines first.
    public var runs: [RunResult] { baselines + groups.flatMap(\.runs) }
}
