/// What `crux experiment quick` found: plain values for the report and for programs.
public struct QuickExperimentResult: Codable, Hashable, Sendable {
    /// The version of this layout.
    public static let currentSchemaVersion = 2

    /// The version of this layout.
    public let schemaVersion: Int
    /// The model that was pre-trained while the reader waited.
    public let live: LivePretraining
    /// The model that was fine-tuned.
    public let reference: Reference
    /// All fine-tuning runs, seed by seed.
    public let runs: [PolicyRun]
    /// The two penalties side by side.
    public let comparisons: [Comparison]
    /// The reference's weights in two formats.
    public let sizes: Sizes

    /// A pre-training run.
    public struct LivePretraining: Codable, Hashable, Sendable {
        /// The checkpoint.
        public let checkpoint: String
        /// N, the digits that it was shown.
        public let trainedDigits: Int
        /// Parameters of the model.
        public let parameterCount: Int
        /// Accuracy after pre-training.
        public let accuracies: AdditionAccuracies
        /// The figures of training, step by step.
        public let history: MetricsHistory
    }

    /// The pre-trained model that the policies start from and are held to.
    public struct Reference: Codable, Hashable, Sendable {
        /// The checkpoint.
        public let checkpoint: String
        /// Whether this run pre-trained it; otherwise it came with the project.
        public let isFromScratch: Bool
        /// The digest of its weights, hexadecimal.
        public let weightsDigest: String
        /// N, the digits that it was shown.
        public let trainedDigits: Int
        /// Parameters of the model.
        public let parameterCount: Int
        /// Its resolved pre-training configuration, YAML.
        public let configuration: String
        /// Accuracy before fine-tuning.
        public let accuracies: AdditionAccuracies
    }

    /// One figure under both penalties, over the seeds.
    public struct Comparison: Codable, Hashable, Sendable {
        /// What is compared.
        public let figure: String
        /// Under the standard penalty.
        public let standard: MeanInterval
        /// Under the prioritised penalty.
        public let prioritised: MeanInterval
        /// Prioritised less standard, seed by seed.
        public let difference: MeanInterval
        /// How the figure is written.
        public let unit: FigureUnit
    }

    /// The same weights on disk.
    public struct Sizes: Codable, Hashable, Sendable {
        /// As `.crux` with the default codec, bytes.
        public let crux: Int
        /// As safetensors, bytes.
        public let safetensors: Int
    }

    /// The runs of one penalty, in the order of their seeds.
    public func runs(of penalty: PenaltyKind) -> [PolicyRun] { runs.filter { $0.penalty == penalty } }
}
