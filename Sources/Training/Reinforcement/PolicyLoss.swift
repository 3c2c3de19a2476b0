#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
package import LanguageModel

/// The policy's part of the objective at one state: actor, entropy and KL penalty.
///
/// L = L_actor − c_H · H(π(·|s)) + α · w(s) · KL(policy ‖ reference), the mean over a minibatch's tokens. L_actor is
/// −A · ln π(a|s), or with a clip range ε −min(ρ A, clip(ρ, 1 − ε, 1 + ε) A), ρ = π(a|s) / π_collect(a|s) (arXiv
/// 1707.06347, equation 7). π is the softmax at the rollout's temperature, w(s) the penalty's weight (equation 1).
package struct PolicyLoss: Hashable, Sendable {
    /// The rollout's temperature.
    package var temperature: Float
    /// ε of the clipped ratio; nil for the plain policy gradient.
    package var clipRange: Float?
    /// c_H.
    package var entropyCoefficient: Float
    /// α.
    package var penaltyCoefficient: Float
    /// How the KL is estimated.
    package var estimator: KLEstimator
    /// w(s).
    package var weight: PenaltyWeight

    package init(
        temperature: Float, clipRange: Float? = nil, entropyCoefficient: Float, penaltyCoefficient: Float,
        estimator: KLEstimator,
        weight: PenaltyWeight
    ) {
        self.temperature = temperature
        self.clipRange = clipRange
        self.entropyCoefficient = entropyCoefficient
        self.penaltyCoefficient = penaltyCoefficient
        self.estimator = estimator
        self.weight = weight
    }

    /// The parts of the loss at one state, before they are averaged.
    package struct Terms: Hashable, Sendable {
        /// L_actor.
        package var actor: Double
        /// Whether the ratio was clipped, so that the actor has no gradient.
        package var isClipped: Bool
        /// H(π(·|s)).
        package var entropy: Double
        /// w(s) · KL estimate, without α.
        package var penalty: Double
    }

    /// The loss at one state; adds `scale` times its gradient.
    ///
    /// - Parameters:
    ///   - policy: ln π(·|s) at the temperature, [V].
    ///   - reference: ln π_old(·|s) at the temperature, [V].
    ///   - penaltyWeight: w(s).
    ///   - action: a.
    ///   - advantage: A.
    ///   - oldLogProb: ln π_collect(a|s), for the clipped ratio.
    ///   - scale: 1 / the number of tokens of the minibatch.
    ///   - gradient: With respect to the policy's logits before the temperature, [V].
    package func addGradient(
        policy: Span<Float>, reference: Span<Float>, penaltyWeight: Float, action: Int, advantage: Float,
        oldLogProb: Float, scale: Float, into gradient: inout MutableSpan<Float>
    ) -> Terms {
        let actor = actor(logProb: policy[action], oldLogProb: oldLogProb, advantage: advantage)
        if actor.slope != 0 {
            Divergence.addLogProbGradient(
                policy: policy, action: action, temperature: temperature, scale: actor.slope * scale, into: &gradient)
        }
        if entropyCoefficient != 0 {
            Divergence.addEntropyGradient(
                policy: policy, temperature: temperature, scale: -entropyCoefficient * scale, into: &gradient)
        }
        if penaltyCoefficient != 0 {
            estimator.addGradient(
                policy: policy, reference: reference, action: action, temperature: temperature,
                scale: penaltyCoefficient * penaltyWeight * scale, into: &gradient)
        }
        return Terms(
            actor: Double(actor.value), isClipped: actor.isClipped, entropy: Double(Divergence.entropy(policy)),
            penalty: Double(
                penaltyWeight * estimator.value(policy: policy, reference: reference, action: action)))
    }

    /// L_actor and its slope with respect to ln π(a|s).
    private func actor(
        logProb: Float, oldLogProb: Float, advantage: Float
    ) -> (value: Float, slope: Float, isClipped: Bool) {
        guard let clipRange else { return (-advantage * logProb, -advantage, false) }
        let ratio = exp(logProb - oldLogProb)
        let clipped = min(max(ratio, 1 - clipRange), 1 + clipRange)
        // The smaller of the two gains: the clipped one has no slope.
        if clipped * advantage < ratio * advantage { return (-clipped * advantage, 0, true) }
        return (-ratio * advantage, -ratio * advantage, false)
    }
}
