/// The section `execution`: how a step's work is cut. It decides the order of sums, so it is part of the result;
/// the number of workers is not.
public struct ExecutionConfiguration: Hashable, Sendable {
    /// Gradient arenas that micro-shards are dealt to; each costs the memory of one gradient.
    public var gradientLanes = 8
    /// Tokens of one micro-shard; a longer sequence is a shard of its own.
    public var tokensPerShard = 1024

    static let fields: [ConfigurationField<Self>] = [
        .integer("gradient_lanes", \.gradientLanes, in: 1...1024),
        .integer("tokens_per_shard", \.tokensPerShard, in: 1...1_048_576),
    ]
}

/// How a checkpoint stores the model's weights.
public enum WeightStorage: String, CaseIterable, Hashable, Sendable {
    /// As training has them.
    case f32
    /// Rounded to BF16, which is what tools and a later fine-tuning read, with the masters as F32 beside them, which a
    /// resume reads.
    case bf16
    /// Rounded to BF16 only: smaller, and no resume can go on from it.
    case bf16Only = "bf16-only"
}

/// The section `checkpoint`.
public struct CheckpointConfiguration: Hashable, Sendable {
    /// Steps between saved checkpoints; 0 saves only at the end or when interrupted.
    public var everySteps = 0
    /// What saves are stored against as deltas.
    public var deltaAgainst = DeltaAgainst.none
    /// Of so many saves one is whole, beginning with the first; the others are deltas.
    public var fullEvery = 10

    /// What a saved state is stored against.
    public enum DeltaAgainst: String, CaseIterable, Hashable, Sendable {
        /// Nothing: every save is whole.
        case none
        /// The reference, which must stay where it is.
        case reference
        /// The last whole save, which lies beside the checkpoint as `<name>.full-<step>.crux`.
        case full
    }

    /// Copies of the last saves that are kept beside the checkpoint, as `run.step-000100.crux`; 0 for none.
    public var keepLast = 0
    /// Whether the best evaluation by `evaluation.metric` is saved and kept beside the checkpoint, as `run.best.crux`.
    public var keepBest = false
    /// How the model's weights are stored.
    public var weights = WeightStorage.f32

    /// Whether steps are taken while a save is under way.
    var savesBesideSteps: Bool { everySteps > 0 || keepBest }

    static let fields: [ConfigurationField<Self>] = [
        .integer("every_steps", \.everySteps, in: 0...1_000_000_000).changeableOnResume(),
        .choice("delta_against", \.deltaAgainst).changeableOnResume(),
        .integer("full_every", \.fullEvery, in: 1...1_000_000).changeableOnResume(),
        .integer("keep_last", \.keepLast, in: 0...1_000_000).changeableOnResume(),
        .flag("keep_best", \.keepBest).changeableOnResume(),
        .choice("weights", \.weights).changeableOnResume(),
    ]
}
