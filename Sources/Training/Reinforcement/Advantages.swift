/// What each action of a collect was worth, next to what the critic expected.
package struct Advantages: Hashable, Sendable {
    /// How much better than expected each action was, [n].
    package var advantages: [Float]
    /// What the critic should have said, [n].
    package var returns: [Float]

    /// Generalised advantage estimation over one episode that ends with its last reward
    /// (Schulman et al., arXiv 1506.02438).
    ///
    /// δ_t = r_t + γ V_{t+1} − V_t with V after the end 0; A_t = δ_t + γ λ A_{t+1}; return = A_t + V_t.
    ///
    /// - Parameters:
    ///   - rewards: After each action, [T].
    ///   - values: The critic's V of the state before each action, [T].
    package init(rewards: [Float], values: [Float], discount: Double, lambda: Double) {
        advantages = Array(repeating: 0, count: values.count)
        returns = advantages
        var following = 0.0
        var running = 0.0
        for t in values.indices.reversed() {
            let value = Double(values[t])
            running = Double(rewards[t]) + discount * following - value + discount * lambda * running
            advantages[t] = Float(running)
            returns[t] = Float(running + value)
            following = value
        }
    }

    /// Group-relative advantages: all actions of an episode have the episode's reward less the mean of its group and,
    /// where wanted, divided by the group's (population) deviation + 1e-8 (arXiv 2402.03300, equation 3).
    ///
    /// - Parameters:
    ///   - rewards: Of each episode; the episodes of a group stand side by side.
    ///   - stateCounts: T of each episode.
    package static func groupRelative(
        rewards: [Float], stateCounts: [Int], groupSize: Int, scalesByDeviation: Bool
    ) -> Advantages {
        var values: [Float] = []
        for start in stride(from: 0, to: rewards.count, by: groupSize) {
            let group = start..<min(start + groupSize, rewards.count)
            let figures = MeanAndDeviation(Array(rewards[group]))
            for episode in group {
                let difference = Double(rewards[episode]) - figures.mean
                let advantage = scalesByDeviation ? difference / (figures.deviation + 1e-8) : difference
                values += Array(repeating: Float(advantage), count: stateCounts[episode])
            }
        }
        return Advantages(advantages: values, returns: values.map { _ in 0 })
    }

    private init(advantages: [Float], returns: [Float]) {
        self.advantages = advantages
        self.returns = returns
    }

    /// The advantages of several episodes, one after another.
    package init(joining episodes: [Advantages]) {
        advantages = episodes.flatMap(\.advantages)
        returns = episodes.flatMap(\.returns)
    }

    /// The advantages of a collect by the configured algorithm, before they are normalised.
    package init(of collect: AnnotatedEpisodes, loss: FineTuningConfiguration.Loss, groupSize: Int) {
        switch loss.algorithm {
        case .a2c, .ppo, .policyGradient:
            // Without a critic all values are 0, and the sum of the temporal differences is the return.
            let lambda = loss.algorithm.usesCritic ? loss.gaeLambda : 1
            self.init(
                joining: collect.episodes.indices.map { index in
                    Advantages(
                        rewards: collect.episodes[index].rewards, values: collect.values(ofEpisode: index),
                        discount: loss.discount, lambda: lambda)
                })
        case .grpo:
            self = Self.groupRelative(
                rewards: collect.episodes.map(\.reward), stateCounts: collect.episodes.map(\.stateCount),
                groupSize: groupSize, scalesByDeviation: loss.scalesByDeviation)
        }
    }

    /// Shifts and scales the advantages to mean 0 and (population) standard deviation 1.
    package mutating func normalize() {
        let figures = MeanAndDeviation(advantages)
        advantages = advantages.map { Float((Double($0) - figures.mean) / (figures.deviation + 1e-8)) }
    }
}

/// Mean and population standard deviation; both 0 for no values.
struct MeanAndDeviation: Hashable, Sendable {
    let mean: Double
    let deviation: Double

    init(_ values: [Float]) {
        let count = Double(max(1, values.count))
        let mean = values.reduce(0.0) { $0 + Double($1) } / count
        self.mean = mean
        deviation = (values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count).squareRoot()
    }
}
