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

    static let fields: [ConfigurationField<Self>] = [
        .integer("every_steps", \.everySteps, in: 0...1_000_000_000).changeableOnResume(),
        .choice("delta_against", \.deltaAgainst).changeableOnResume(),
        .integer("full_every", \.fullEvery, in: 1...1_000_000).changeableOnResume(),
    ]
}
