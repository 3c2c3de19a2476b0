public import LanguageModel
public import Tasks

/// All settings of `crux pretrain`.
public struct PretrainingConfiguration: RunConfiguration {
    /// The section `model`; the vocabulary's size follows from the task.
    public struct Model: Hashable, Sendable {
        /// The number of learned positions.
        public var contextLength = 384
        /// The number of blocks.
        public var layerCount = 4
        /// Attention heads of each block.
        public var headCount = 4
        /// The width of the residual stream.
        public var embeddingSize = 128
        /// Whether linear layers and LayerNorms have biases.
        public var usesBiases = false

        static let fields: [ConfigurationField<Self>] = [
            .integer("context_length", \.contextLength, in: 1...1_048_576),
            .integer("layer_count", \.layerCount, in: 1...1024),
            .integer("head_count", \.headCount, in: 1...1024),
            .integer("embedding_size", \.embeddingSize, in: 1...65_536),
            .flag("uses_biases", \.usesBiases),
        ]
    }

    /// How the operands' lengths are drawn.
    public enum Lengths: String, CaseIterable, Hashable, Sendable {
        /// Each operand has 1...N digits, independently.
        case independent
        /// Both operands have the same number of digits, 1...N.
        case equal
    }

    /// The section `task`.
    public struct Task: Hashable, Sendable {
        /// N: operands have 1...N digits.
        public var digits = 3
        /// How the operands' lengths are drawn.
        public var lengths = Lengths.independent
        /// The model's characters.
        public var vocabulary = AdditionVocabulary.task

        static let fields: [ConfigurationField<Self>] = [
            .integer("digits", \.digits, in: 1...1000),
            .choice("lengths", \.lengths),
            .choice("vocabulary", \.vocabulary),
        ]
    }

    /// Where examples lie in the context.
    public enum Placement: String, CaseIterable, Hashable, Sendable {
        /// Each example is a sequence of its own whose first position is random, so that every position is
        /// trained although no example fills the context.
        case randomOffset = "random-offset"
        /// Each sequence fills the context with a window that starts anywhere in a stream of examples.
        case packedStream = "packed-stream"
    }

    /// Which tokens are learned.
    public enum LossTokens: String, CaseIterable, Hashable, Sendable {
        /// Those after the prompt.
        case answer
        /// All but the first.
        case everything
    }

    /// The section `data`.
    public struct Data: Hashable, Sendable {
        /// Sequences of one step: examples, or windows of a packed stream.
        public var examplesPerStep = 24
        /// How many such batches are added up into one optimiser step. A step's memory does not depend on it, for
        /// sequences are worked off in micro-shards (`execution.tokens_per_shard`).
        public var accumulation = 1
        /// Where examples lie in the context.
        public var placement = Placement.randomOffset
        /// Which tokens are learned.
        public var lossTokens = LossTokens.answer

        static let fields: [ConfigurationField<Self>] = [
            .integer("examples_per_step", \.examplesPerStep, in: 1...1_000_000),
            .integer("accumulation", \.accumulation, in: 1...1_000_000),
            .choice("placement", \.placement),
            .choice("loss_tokens", \.lossTokens),
        ]
    }

    /// Optimiser steps in all; a cosine schedule ends there, so that a resume with more steps changes its rest.
    public var steps = 1000
    /// The seed of initialisation, examples and evaluation.
    public var seed: UInt64 = 1
    /// Threads; nil (`auto`) or 0 for one per core. Does not change the result.
    public var workers: Int?
    /// The model's size.
    public var model = Model()
    /// What is learned.
    public var task = Task()
    /// How examples become batches.
    public var data = Data()
    /// AdamW and its learning rate.
    public var optimizer = OptimizerConfiguration()
    /// How a step's work is cut.
    public var execution = ExecutionConfiguration()
    /// How often accuracy is measured.
    public var evaluation = EvaluationConfiguration()
    /// How often the state is saved.
    public var checkpoint = CheckpointConfiguration()

    /// The defaults.
    public init() {}

    /// `pretrained`.
    public static let checkpointKind = "pretrained"

    /// Every setting, in order.
    public static var fields: [ConfigurationField<Self>] {
        var fields: [ConfigurationField<Self>] = [
            .integer("steps", \.steps, in: 0...1_000_000_000).changeableOnResume(),
            .seed("seed", \.seed),
            .integerOrAuto("workers", \.workers, in: 0...4096).changeableOnResume(),
        ]
        fields += Model.fields.map { $0.inSection("model", \.model) }
        fields += Task.fields.map { $0.inSection("task", \.task) }
        fields += Data.fields.map { $0.inSection("data", \.data) }
        fields += OptimizerConfiguration.fields.map { $0.inSection("optimizer", \.optimizer) }
        fields += ExecutionConfiguration.fields.map { $0.inSection("execution", \.execution) }
        fields += EvaluationConfiguration.fields.map { $0.inSection("evaluation", \.evaluation) }
        fields += CheckpointConfiguration.fields.map { $0.inSection("checkpoint", \.checkpoint) }
        return fields
    }

    /// The size of the model that is trained.
    public var modelConfiguration: ModelConfiguration {
        ModelConfiguration(
            vocabularySize: task.vocabulary.tokenizer.vocabulary.count, contextLength: model.contextLength,
            layerCount: model.layerCount, headCount: model.headCount, embeddingSize: model.embeddingSize,
            usesBiases: model.usesBiases)
    }

    /// Checks that the model can be built and that the longest example fits the context.
    public func validate(source: String) throws(ConfigurationError) {
        do throws(ModelError) {
            try modelConfiguration.validate()
        } catch {
            throw ConfigurationError(
                source: source, key: error.field,
                problem: .invalidValue(found: error.found, expected: error.expected))
        }
        try validateMetric(source: source)
        guard checkpoint.deltaAgainst != .reference else {
            throw ConfigurationError(
                source: source, key: "checkpoint.delta_against",
                problem: .invalidValue(found: "reference", expected: "none or full: pre-training has no reference"))
        }
        let (_, overflow) = data.examplesPerStep.multipliedReportingOverflow(by: data.accumulation)
        guard !overflow, data.examplesPerStep * data.accumulation <= 100_000_000 else {
            throw ConfigurationError(
                source: source, key: "data.accumulation",
                problem: .invalidValue(
                    found: "\(data.accumulation)",
                    expected: "at most 100000000 examples in a step, with "
                        + "data.examples_per_step \(data.examplesPerStep)"))
        }
        let evaluatedDigits = evaluation.examples > 0 ? evaluation.additionalDigits.max() ?? 0 : 0
        let digits = task.digits + evaluatedDigits
        let longest =
            AdditionTask.maximumPromptLength(digits: digits) + AdditionTask.maximumAnswerLength(digits: digits) - 1
        guard longest <= model.contextLength else {
            throw ConfigurationError(
                source: source, key: "model.context_length",
                problem: .invalidValue(
                    found: "\(model.contextLength)",
                    expected: "at least \(longest), the length of an addition of \(digits) digits"))
        }
    }
}
