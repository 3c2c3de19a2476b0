internal import LanguageModel
public import Tasks

/// How well models add: exact-match accuracy by set-up and number of digits.
public struct EvaluationReport: Codable, Hashable, Sendable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    public static let currentSchemaVersion = 1

    /// ``currentSchemaVersion`` of the writer.
    public let schemaVersion: Int
    /// The seed of problems, sampling and intervals; every model is asked the same problems.
    public let seed: UInt64
    /// The sampling temperature; 0 for greedy decoding.
    public let temperature: Float
    /// The number of most probable tokens that are drawn from; nil for all.
    public let topK: Int?
    /// The models, in the order in which they were given.
    public let models: [ModelEvaluation]

    /// A report of finished evaluations.
    public init(options: ModelEvaluation.Options, models: [ModelEvaluation]) {
        schemaVersion = Self.currentSchemaVersion
        seed = options.seed
        temperature = options.sampling.temperature
        topK = options.sampling.topK
        self.models = models
    }
}

/// How well one model adds.
public struct ModelEvaluation: Codable, Hashable, Sendable {
    /// The model.
    public let checkpoint: CheckpointIdentity
    /// N, the digits that pre-training showed; nil where the checkpoint does not say.
    public let trainedDigits: Int?
    /// A row for each set-up.
    public let results: [SetupEvaluation]
}

/// How well one model answers the problems of one set-up.
public struct SetupEvaluation: Codable, Hashable, Sendable {
    /// `fixed`, `varying` or `balanced`.
    public let setup: String
    /// The largest number of digits of an operand.
    public let digits: Int
    /// The share of right answers with its 95 % bootstrap interval.
    public let accuracy: Accuracy
    /// The share of answers that the length limit cut off.
    public let unfinishedShare: Double
    /// The number of tokens that the model wrote.
    public let generatedTokenCount: Int
    /// The seconds that it took.
    public let seconds: Double
    /// Tokens per second; nil where no time passed.
    public let tokensPerSecond: Double?
}
