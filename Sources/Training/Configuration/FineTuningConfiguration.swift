public import LanguageModel
public import Tasks

/// All settings of `crux finetune`. The paper's and its code's differences are each a setting of their own.
public struct FineTuningConfiguration: RunConfiguration {
    /// The section `task`.
    public struct Task: Hashable, Sendable {
        /// N, the largest number of digits of pre-training; nil (`auto`) reads it from the reference.
        public var trainedDigits: Int?
        /// k, the digits beyond N.
        public var additionalDigits = 1
        /// Which additions are practised.
        public var setup = TaskSetup.varying
        /// What an episode earns.
        public var reward = RewardRule.paper

        static let fields: [ConfigurationField<Self>] = [
            .integerOrAuto("trained_digits", \.trainedDigits, in: 1...1000),
            .integer("additional_digits", \.additionalDigits, in: 0...1000),
            .choice("setup", \.setup),
            .choice("reward", \.reward),
        ]
    }

    /// The section `rollout`.
    public struct Rollout: Hashable, Sendable {
        /// Episodes of one step.
        public var episodesPerCollect = 50
        /// The temperature of sampling, of the policy and of the KL penalty.
        public var temperature = 1.0
        /// Tokens after which an episode is cut off; nil (`auto`): the longest right answer and 100 more.
        public var maximumLength: Int?
        /// Answers to each prompt; divides the number of episodes. `grpo` compares those of a prompt with one another.
        public var groupSize = 1

        static let fields: [ConfigurationField<Self>] = [
            .integer("episodes_per_collect", \.episodesPerCollect, in: 1...1_000_000),
            .number("temperature", \.temperature, in: .above(0, to: 100)),
            .integerOrAuto("maximum_length", \.maximumLength, in: 1...1_048_576),
            .integer("group_size", \.groupSize, in: 1...1_000_000),
        ]
    }

    /// The section `loss`.
    public struct Loss: Hashable, Sendable {
        /// How rewards become the policy's gradient.
        public var algorithm = RLAlgorithm.a2c
        /// ε of `ppo` and `grpo`: the ratio to the policy that collected counts within 1 ± ε only.
        public var clipRange = 0.2
        /// Whether `grpo` divides by the deviation of a group's rewards.
        public var scalesByDeviation = true
        /// Weight of the critic's mean squared error.
        public var valueCoefficient = 0.1
        /// Weight of the policy's entropy, which is rewarded.
        public var entropyCoefficient = 0.0005
        /// λ of generalised advantage estimation.
        public var gaeLambda = 0.95
        /// The discount of later rewards.
        public var discount = 1.0
        /// Whether a collect's advantages are shifted and scaled to mean 0 and deviation 1.
        public var normalizeAdvantages = false

        static let fields: [ConfigurationField<Self>] = [
            .choice("algorithm", \.algorithm),
            .number("clip_range", \.clipRange, in: .above(0, to: 1e6)),
            .flag("scales_by_deviation", \.scalesByDeviation),
            .number("value_coefficient", \.valueCoefficient, in: .from(0, to: 1e6)),
            .number("entropy_coefficient", \.entropyCoefficient, in: .from(0, to: 1e6)),
            .number("gae_lambda", \.gaeLambda, in: .from(0, to: 1)),
            .number("discount", \.discount, in: .from(0, to: 1)),
            .flag("normalize_advantages", \.normalizeAdvantages),
        ]
    }

    /// The section `update`: how a collect becomes optimiser steps.
    public struct Update: Hashable, Sendable {
        /// How often each collect is learned from.
        public var passesPerCollect = 1
        /// Episodes of a minibatch; 0 for the whole collect.
        public var episodesPerMinibatch = 0
        /// Single tokens of a minibatch, shuffled over all episodes; 0 for whole episodes. The paper's code
        /// takes 2, which costs a forward pass over the episode's beginning for every token.
        public var transitionsPerMinibatch = 0

        static let fields: [ConfigurationField<Self>] = [
            .integer("passes_per_collect", \.passesPerCollect, in: 1...1000),
            .integer("episodes_per_minibatch", \.episodesPerMinibatch, in: 0...1_000_000),
            .integer("transitions_per_minibatch", \.transitionsPerMinibatch, in: 0...1_000_000),
        ]
    }

    /// Whether all states are held to the reference alike.
    public enum PenaltyKind: String, CaseIterable, Hashable, Sendable {
        /// Every state counts the same.
        case standard
        /// States count by the reference's certainty to the power β (equation 1).
        case prioritised
    }

    /// How the reference's certainty is measured.
    public enum CertaintyMeasure: String, CaseIterable, Hashable, Sendable {
        /// Equation 2, of the whole distribution at the rollout's temperature.
        case negentropy
        /// The paper's code: of the largest probability at a temperature of its own.
        case maximumProbability = "maximum-probability"
    }

    /// The section `penalty`: α · weight(s) · KL(policy ‖ reference).
    public struct Penalty: Hashable, Sendable {
        /// α; 0 switches the penalty off, KL is still measured.
        public var coefficient = 5.0
        /// Standard or prioritised.
        public var kind = PenaltyKind.standard
        /// How KL(policy ‖ reference) is estimated.
        public var estimator = KLEstimator.k2
        /// β, the power of the certainty.
        public var beta = 150.0
        /// How the reference's certainty is measured.
        public var certainty = CertaintyMeasure.negentropy
        /// The temperature of `maximum-probability`.
        public var certaintyTemperature = 4.0
        /// The weight at certainty 0, at most 0; the weight at certainty 1 stays 1.
        public var intercept = 0.0

        static let fields: [ConfigurationField<Self>] = [
            .number("coefficient", \.coefficient, in: .from(0, to: 1e6)),
            .choice("kind", \.kind),
            .choice("estimator", \.estimator),
            .number("beta", \.beta, in: .from(0, to: 1e6)),
            .choice("certainty", \.certainty),
            .number("certainty_temperature", \.certaintyTemperature, in: .above(0, to: 100)),
            .number("intercept", \.intercept, in: .from(-1e6, to: 0)),
        ]
    }

    /// The section `critic`: a multilayer perceptron with ReLU on the policy's last hidden state.
    public struct Critic: Hashable, Sendable {
        /// The widths of the hidden layers.
        public var hiddenSizes = [128, 128]
        /// The critic's learning rate as a multiple of the policy's.
        public var learningRateFactor = 1.0
        /// Whether the critic's gradient stops at the hidden state instead of flowing into the policy.
        public var detachesHidden = false

        static let fields: [ConfigurationField<Self>] = [
            .integers("hidden_sizes", \.hiddenSizes, in: 1...65_536),
            .number("learning_rate_factor", \.learningRateFactor, in: .from(0, to: 1e6)),
            .flag("detaches_hidden", \.detachesHidden),
        ]
    }

    /// Collects in all, each followed by its optimiser steps; a cosine schedule ends there, so that a resume with
    /// more steps changes its rest.
    public var steps = 100
    /// The seed of critic, prompts, sampling, minibatches and evaluation.
    public var seed: UInt64 = 1
    /// Threads; nil (`auto`) or 0 for one per core. Does not change the result.
    public var workers: Int?
    /// What is practised.
    public var task = Task()
    /// How episodes are sampled.
    public var rollout = Rollout()
    /// Advantages and the weights of the losses.
    public var loss = Loss()
    /// How a collect becomes optimiser steps.
    public var update = Update()
    /// What holds the policy to the reference.
    public var penalty = Penalty()
    /// The value head.
    public var critic = Critic()
    /// AdamW and its learning rate.
    public var optimizer = OptimizerConfiguration(
        learningRate: 1e-6, beta1: 0.9, beta2: 0.999, weightDecay: 0, gradientClip: 0)
    /// How a step's work is cut.
    public var execution = ExecutionConfiguration()
    /// How often accuracy is measured.
    public var evaluation = EvaluationConfiguration()
    /// How often the state is saved.
    public var checkpoint = CheckpointConfiguration()

    /// The defaults: the paper's settings of section 5.3 with the standard penalty.
    public init() {}

    /// `policy`.
    public static let checkpointKind = "policy"

    /// Every setting, in order.
    public static var fields: [ConfigurationField<Self>] {
        var fields: [ConfigurationField<Self>] = [
            .integer("steps", \.steps, in: 0...1_000_000_000).changeableOnResume(),
            .seed("seed", \.seed),
            .integerOrAuto("workers", \.workers, in: 0...4096).changeableOnResume(),
        ]
        fields += Task.fields.map { $0.inSection("task", \.task) }
        fields += Rollout.fields.map { $0.inSection("rollout", \.rollout) }
        fields += Loss.fields.map { $0.inSection("loss", \.loss) }
        fields += Update.fields.map { $0.inSection("update", \.update) }
        fields += Penalty.fields.map { $0.inSection("penalty", \.penalty) }
        fields += Critic.fields.map { $0.inSection("critic", \.critic) }
        fields += OptimizerConfiguration.fields.map { $0.inSection("optimizer", \.optimizer) }
        fields += ExecutionConfiguration.fields.map { $0.inSection("execution", \.execution) }
        fields += EvaluationConfiguration.fields.map { $0.inSection("evaluation", \.evaluation) }
        fields += CheckpointConfiguration.fields.map { $0.inSection("checkpoint", \.checkpoint) }
        return fields
    }

    /// Checks that minibatches are cut in one way only, and that episodes make whole groups.
    public func validate(source: String) throws(ConfigurationError) {
        try validateMetric(source: source)
        guard update.episodesPerMinibatch == 0 || update.transitionsPerMinibatch == 0 else {
            throw ConfigurationError(
                source: source, key: "update.transitions_per_minibatch",
                problem: .invalidValue(
                    found: "\(update.transitionsPerMinibatch)",
                    expected: "0 where update.episodes_per_minibatch is \(update.episodesPerMinibatch)"))
        }
        guard rollout.episodesPerCollect % rollout.groupSize == 0 else {
            throw ConfigurationError(
                source: source, key: "rollout.group_size",
                problem: .invalidValue(
                    found: "\(rollout.groupSize)",
                    expected: "a divisor of rollout.episodes_per_collect (\(rollout.episodesPerCollect))"))
        }
        guard loss.algorithm != .grpo || rollout.groupSize > 1 else {
            throw ConfigurationError(
                source: source, key: "rollout.group_size",
                problem: .invalidValue(
                    found: "\(rollout.groupSize)", expected: "at least 2 where loss.algorithm is grpo"))
        }
    }
}

extension FineTuningConfiguration.Penalty {
    /// The weight of a state's penalty.
    public var weight: PenaltyWeight {
        switch kind {
        case .standard: .standard
        case .prioritised:
            .prioritised(
                certainty: certainty == .negentropy
                    ? .negentropy : .maximumProbability(temperature: Float(certaintyTemperature)),
                beta: Float(beta), intercept: Float(intercept))
        }
    }
}
