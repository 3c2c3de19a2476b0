/// Which values of a metric are good.
public enum MetricGoal: String, CaseIterable, Hashable, Sendable {
    /// Small ones of losses, divergences and unfinished answers, else large ones.
    case automatic = "auto"
    /// Large ones.
    case highest
    /// Small ones.
    case lowest
}

/// The section `evaluation`.
public struct EvaluationConfiguration: Hashable, Sendable {
    /// Steps between evaluations; 0 evaluates only after the last step.
    public var everySteps = 0
    /// Examples for each number of digits; 0 switches evaluation off.
    public var examples = 100
    /// Which additions are asked.
    public var setup = TaskSetup.varying
    /// The numbers of digits that are asked, each as what it adds to N.
    public var additionalDigits = [0, 1]
    /// Sampling temperature; 0 is greedy. nil (`auto`): greedy in pre-training, the rollout's in RL.
    public var temperature: Double?

    /// The figure that the run is judged by after each evaluation, for `patience` and `checkpoint.keep_best`; nil
    /// (`none`) for no such judgement.
    public var metric: String?
    /// Which values of the metric are good.
    public var goal = MetricGoal.automatic
    /// By how much the metric must get better to count.
    public var minimumImprovement = 0.0
    /// Evaluations without an improvement after which the run ends; 0 for never.
    public var patience = 0

    static let fields: [ConfigurationField<Self>] = [
        .integer("every_steps", \.everySteps, in: 0...1_000_000_000).changeableOnResume(),
        .integer("examples", \.examples, in: 0...1_000_000).changeableOnResume(),
        .choice("setup", \.setup).changeableOnResume(),
        .integers("additional_digits", \.additionalDigits, in: 0...1000).changeableOnResume(),
        .numberOrAuto("temperature", \.temperature, in: .from(0, to: 100)).changeableOnResume(),
        .nameOrNone("metric", \.metric).changeableOnResume(),
        .choice("goal", \.goal).changeableOnResume(),
        .number("minimum_improvement", \.minimumImprovement, in: .from(0, to: 1e9)).changeableOnResume(),
        .integer("patience", \.patience, in: 0...1_000_000).changeableOnResume(),
    ]
}
