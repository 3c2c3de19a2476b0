/// How a collect's rewards become the policy's gradient. The KL penalty and the entropy bonus are the same for all.
public enum RLAlgorithm: String, CaseIterable, Hashable, Sendable {
    /// Advantage actor-critic, the paper's: −A · ln π(a|s) with generalised advantage estimation and a critic.
    case a2c
    /// REINFORCE: −G · ln π(a|s) with the discounted return G that follows an action, and no critic.
    case policyGradient = "policy-gradient"
    /// Proximal policy optimisation (arXiv 1707.06347): the clipped ratio to the policy that collected, with a critic.
    case ppo
    /// Group-relative policy optimisation (arXiv 2402.03300): PPO's clipped ratio, an episode's advantage is its reward
    /// relative to the other answers to the same prompt, no critic.
    case grpo

    /// Whether a critic is trained.
    public var usesCritic: Bool { self == .a2c || self == .ppo }

    /// Whether the loss is the clipped ratio.
    public var usesRatio: Bool { self == .ppo || self == .grpo }
}
