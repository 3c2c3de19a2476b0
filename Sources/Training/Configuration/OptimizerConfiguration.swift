/// How learning rates change over a run, after the warm-up.
public enum LearningRateDecay: String, CaseIterable, Hashable, Sendable {
    /// Stays at the peak.
    case constant
    /// Falls along half a cosine from the peak to the minimum at the last step.
    case cosine
    /// Falls along a straight line from the peak to the minimum at the last step.
    case linear
}

/// The section `optimizer`: AdamW and its learning rate.
public struct OptimizerConfiguration: Hashable, Sendable {
    /// The peak learning rate.
    public var learningRate = 1e-3
    /// Decay of the first moment.
    public var beta1 = 0.9
    /// Decay of the second moment.
    public var beta2 = 0.95
    /// Added to the root of the second moment.
    public var epsilon = 1e-8
    /// Decoupled weight decay, on matrices only.
    public var weightDecay = 0.1
    /// Steps during which the learning rate rises linearly to its peak.
    public var warmupSteps = 0
    /// What follows the warm-up.
    public var schedule = LearningRateDecay.constant
    /// Where the decay ends.
    public var minimumLearningRate = 0.0
    /// The largest global gradient norm; 0 switches clipping off.
    public var gradientClip = 1.0

    static let fields: [ConfigurationField<Self>] = [
        .number("learning_rate", \.learningRate, in: .from(0, to: 10)),
        .number("beta1", \.beta1, in: .from(0, to: 0.999999)),
        .number("beta2", \.beta2, in: .from(0, to: 0.999999)),
        .number("epsilon", \.epsilon, in: .above(0, to: 1)),
        .number("weight_decay", \.weightDecay, in: .from(0, to: 100)),
        .integer("warmup_steps", \.warmupSteps, in: 0...1_000_000_000),
        .choice("schedule", \.schedule),
        .number("minimum_learning_rate", \.minimumLearningRate, in: .from(0, to: 10)),
        .number("gradient_clip", \.gradientClip, in: .from(0, to: .infinity)),
    ]
}
