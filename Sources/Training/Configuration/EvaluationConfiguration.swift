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

    static let fields: [ConfigurationField<Self>] = [
        .integer("every_steps", \.everySteps, in: 0...1_000_000_000).changeableOnResume(),
        .integer("examples", \.examples, in: 0...1_000_000).changeableOnResume(),
        .choice("setup", \.setup).changeableOnResume(),
        .integers("additional_digits", \.additionalDigits, in: 0...1000).changeableOnResume(),
        .numberOrAuto("temperature", \.temperature, in: .from(0, to: 100)).changeableOnResume(),
    ]
}
