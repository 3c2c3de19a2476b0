import LanguageModel
import Testing
import Training

@Suite("Policy loss")
struct PolicyLossTests {
    private static let policyLogits: [Float] = [0.3, -1.2, 0.8, 0.1, -0.4]
    private static let referenceLogits: [Float] = [0.5, -0.2, 0.4, -0.9, 0.2]

    private static func logSoftmax(_ logits: [Float], temperature: Float) -> [Float] {
        var result = logits
        var span = result.mutableSpan
        Divergence.logSoftmax(logits.span, temperature: temperature, into: &span)
        return result
    }

    private static func evaluate(
        _ loss: PolicyLoss, logits: [Float], oldLogProb: Float = 0
    ) -> (total: Double, gradient: [Float]) {
        let policy = logSoftmax(logits, temperature: loss.temperature)
        let reference = logSoftmax(referenceLogits, temperature: loss.temperature)
        let weight = loss.weight.value(referenceLogits: referenceLogits.span, temperature: loss.temperature)
        var gradient = Array(repeating: Float(0), count: logits.count)
        var span = gradient.mutableSpan
        let terms = loss.addGradient(
            policy: policy.span, reference: reference.span, penaltyWeight: weight, action: 2, advantage: -0.7,
            oldLogProb: oldLogProb, scale: 1,
            into: &span)
        let total =
            terms.actor - Double(loss.entropyCoefficient) * terms.entropy
            + Double(loss.penaltyCoefficient) * terms.penalty
        return (total, gradient)
    }

    @Test(
        "The gradient is that of the reported loss, by finite differences", arguments: KLEstimator.allCases,
        [nil, 0.9] as [Float?])
    func gradient(estimator: KLEstimator, clipRange: Float?) {
        let loss = PolicyLoss(
            temperature: 1.7, clipRange: clipRange, entropyCoefficient: 0.3, penaltyCoefficient: 2,
            estimator: estimator,
            weight: .prioritised(certainty: .negentropy, beta: 0.5, intercept: 0))
        let gradient = Self.evaluate(loss, logits: Self.policyLogits, oldLogProb: -1.4).gradient
        for index in gradient.indices {
            let step: Float = 1e-2
            var (above, below) = (Self.policyLogits, Self.policyLogits)
            above[index] += step
            below[index] -= step
            let difference =
                (Self.evaluate(loss, logits: above, oldLogProb: -1.4).total
                    - Self.evaluate(loss, logits: below, oldLogProb: -1.4).total)
                / Double(2 * step)
            #expect(abs(Double(gradient[index]) - difference) < 2e-4, "\(index)")
        }
    }

    @Test(
        "PPO's clipped ratio: the smaller gain counts, and a clipped one has no gradient",
        arguments: [
            // ratio, advantage, loss, clipped
            (1.5, 1, -1.2, true), (1.5, -1, 1.5, false), (0.5, 1, -0.5, false), (0.5, -1, 0.8, true),
            (1.1, 2, -2.2, false), (0.9, -2, 1.8, false), (1, 3, -3, false), (1.5, 0, 0, false),
        ] as [(Float, Float, Double, Bool)])
    func clippedRatio(ratio: Float, advantage: Float, value: Double, isClipped: Bool) {
        let loss = PolicyLoss(
            temperature: 1, clipRange: 0.2, entropyCoefficient: 0, penaltyCoefficient: 0, estimator: .k2,
            weight: .standard)
        let policy = Self.logSoftmax(Self.policyLogits, temperature: 1)
        var gradient = Array(repeating: Float(0), count: policy.count)
        var span = gradient.mutableSpan
        let terms = loss.addGradient(
            policy: policy.span, reference: policy.span, penaltyWeight: 1, action: 1, advantage: advantage,
            oldLogProb: policy[1] - Self.logarithm(ratio), scale: 1, into: &span)
        #expect(abs(terms.actor - value) < 1e-5)
        #expect(terms.isClipped == isClipped)
        // ∂(−ρ A)/∂z_j = −ρ A (1[j = a] − π_j)
        for index in gradient.indices {
            let slope = -ratio * advantage * ((index == 1 ? 1 : 0) - exponential(policy[index]))
            #expect(abs(gradient[index] - (isClipped ? 0 : slope)) < 1e-5)
        }
    }

    /// ln x = −Σ (1 − x)ⁿ / n, enough for the ratios above.
    private static func logarithm(_ x: Float) -> Float {
        var (sum, power) = (0.0, 1.0)
        for n in 1..<80 {
            power *= 1 - Double(x)
            sum -= power / Double(n)
        }
        return Float(sum)
    }

    @Test("Each coefficient at 0 switches its part off")
    func coefficients() {
        let plain = PolicyLoss(
            temperature: 1, entropyCoefficient: 0, penaltyCoefficient: 0, estimator: .k2, weight: .standard)
        let gradient = Self.evaluate(plain, logits: Self.policyLogits).gradient
        let policy = Self.logSoftmax(Self.policyLogits, temperature: 1)
        // −A (1[j = a] − π_j) with A = −0.7
        for index in gradient.indices {
            let expected = 0.7 * ((index == 2 ? 1 : 0) - exponential(policy[index]))
            #expect(abs(gradient[index] - expected) < 1e-6)
        }
    }

    private func exponential(_ x: Float) -> Float {
        // Σ xⁿ/n!, enough for |x| < 5
        var (sum, term) = (1.0, 1.0)
        for n in 1..<60 {
            term *= Double(x) / Double(n)
            sum += term
        }
        return Float(sum)
    }
}
