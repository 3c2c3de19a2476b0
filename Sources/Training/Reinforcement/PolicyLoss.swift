package import LanguageModel

/// The policy's part of the objective at one state: actor, entropy and KL penalty.
///
/// L = −A · ln π(a|s) − c_H · H(π(·|s)) + α · w(s) · KL(policy ‖ reference), the mean over a minibatch's tokens;
/// π is the softmax at the rollout's temperature, w(s) the penalty's weight (equation 1).
package struct PolicyLoss: Hashable, Sendable {
    /// The rollout's temperature.
    package var temperature: Float
    /// c_H.
    package var entropyCoefficient: Float
    /// α.
    package var penaltyCoefficient: Float
    /// How the KL is estimated.
    package var estimator: KLEstimator
    /// w(s).
    package var weight: PenaltyWeight

    package init(
        temperature: Float, entropyCoefficient: Float, penaltyCoefficient: Float, estimator: KLEstimator,
        weight: PenaltyWeight
    ) {
        self.temperature = temperature
        self.entropyCoefficient = entropyCoefficient
        self.penaltyCoefficient = penaltyCoefficient
        self.estimator = estimator
        self.weight = weight
    }

    /// The parts of the loss at one state, before they are averaged.
    package struct Terms: Hashable, Sendable {
        /// −A · ln π(a|s).
        package var actor: Double
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
    ///   - scale: 1 / the number of tokens of the minibatch.
    ///   - gradient: With respect to the policy's logits before the temperature, [V].
    package func addGradient(
        policy: Span<Float>, reference: Span<Float>, penaltyWeight: Float, action: Int, advantage: Float,
        scale: Float, into gradient: inout MutableSpan<Float>
    ) -> Terms {
        Divergence.addLogProbGradient(
            policy: policy, action: action, temperature: temperature, scale: -advantage * scale, into: &gradient)
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
            actor: Double(-advantage * policy[action]), entropy: Double(Divergence.entropy(policy)),
            penalty: Double(
                penaltyWeight * estimator.value(policy: policy, reference: reference, action: action)))
    }
}
