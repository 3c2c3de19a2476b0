import Foundation
import LanguageModel
import Testing

/// log softmax(logits / temperature) as an array.
private func logProbs(_ logits: [Float], _ temperature: Float = 1) -> [Float] {
    var row = [Float](repeating: 0, count: logits.count)
    var span = row.mutableSpan
    Divergence.logSoftmax(logits.span, temperature: temperature, into: &span)
    return row
}

/// The gradient that `add` writes, from zero.
private func gradient(_ count: Int, _ add: (inout MutableSpan<Float>) -> Void) -> [Float] {
    var row = [Float](repeating: 0, count: count)
    var span = row.mutableSpan
    add(&span)
    return row
}

/// Central differences of a scalar function of the logits.
private func finiteDifferences(_ logits: [Float], _ value: ([Float]) -> Float) -> [Float] {
    logits.indices.map { index in
        let step: Float = 1e-2
        var (above, below) = (logits, logits)
        above[index] += step
        below[index] -= step
        return (value(above) - value(below)) / (2 * step)
    }
}

private let policyLogits: [Float] = [0.3, -1.2, 2.0, 0.7, -0.4]
private let referenceLogits: [Float] = [1.1, 0.2, 0.9, -0.8, -1.5]

@Suite struct DivergenceTests {
    @Test func logSoftmaxNormalisesAndHonoursTheTemperature() {
        let row = logProbs([1, 2, 3], 2)
        #expect(abs(row.reduce(0) { $0 + exp($1) } - 1) < 1e-6)
        #expect(abs((row[2] - row[0]) - 1) < 1e-6)
    }

    @Test(arguments: [Float(1e4), -1e4, 3e38])
    func logSoftmaxIsStableAtExtremeLogits(offset: Float) {
        let row = logProbs([offset, offset, -offset])
        #expect(row.allSatisfy { !$0.isNaN })
        #expect(abs(row[0] - (offset > 0 ? log(0.5) : -.greatestFiniteMagnitude)) < 1e-3 || offset < 0)
    }

    @Test func uniformRowsHaveTheLargestEntropyAndNoCertainty() {
        let row = logProbs([5, 5, 5, 5])
        #expect(abs(Divergence.entropy(row.span) - log(4)) < 1e-6)
        let logits: [Float] = [5, 5, 5, 5]
        for certainty in [Certainty.negentropy, .maximumProbability(temperature: 4)] {
            #expect(abs(certainty.value(referenceLogits: logits.span, temperature: 1)) < 1e-6)
        }
    }

    @Test func oneSureTokenHasNoEntropyAndFullCertainty() {
        let logits: [Float] = [900, 0, 0, 0]
        #expect(Divergence.entropy(logProbs(logits).span) == 0)
        for certainty in [Certainty.negentropy, .maximumProbability(temperature: 4)] {
            #expect(certainty.value(referenceLogits: logits.span, temperature: 1) == 1)
        }
    }

    /// PAPER.md: at β = 150 and V = 96, p_max = 0.99 weighs 0.72 with the code's certainty, 0.16 with equation 2.
    @Test func theTwoCertaintiesWeighAsPublished() {
        let logits = [log(Float(0.99)), log(Float(0.01))] + [Float](repeating: -1e4, count: 94)
        let paper = PenaltyWeight.prioritised(certainty: .negentropy, beta: 150, intercept: 0)
        #expect(abs(paper.value(referenceLogits: logits.span, temperature: 1) - 0.16) < 0.01)
        // The 0.99 is the largest probability of the softmax that the code's certainty takes.
        let code = PenaltyWeight.prioritised(
            certainty: .maximumProbability(temperature: 1), beta: 150, intercept: 0)
        #expect(abs(code.value(referenceLogits: logits.span, temperature: 1) - 0.72) < 0.01)
    }

    @Test func interceptScalesTheWeightSoThatFullCertaintyKeepsOne() {
        let sure: [Float] = [900, 0, 0]
        let unsure: [Float] = [0, 0, 0]
        let weight = PenaltyWeight.prioritised(certainty: .negentropy, beta: 2, intercept: -0.5)
        #expect(weight.value(referenceLogits: sure.span, temperature: 1) == 1)
        #expect(weight.value(referenceLogits: unsure.span, temperature: 1) == -0.5)
        #expect(PenaltyWeight.standard.value(referenceLogits: unsure.span, temperature: 1) == 1)
    }

    @Test func exactKLIsZeroForEqualRowsAndAsymmetricOtherwise() {
        let (policy, reference) = (logProbs(policyLogits), logProbs(referenceLogits))
        #expect(Divergence.exactKL(policy.span, policy.span) == 0)
        let forward = Divergence.exactKL(policy.span, reference.span)
        let reverse = Divergence.exactKL(reference.span, policy.span)
        let expected = zip(policy, reference).reduce(0.0) { $0 + exp(Double($1.0)) * Double($1.0 - $1.1) }
        #expect(abs(Double(forward) - expected) < 1e-6)
        #expect(forward > 0.1 && abs(forward - reverse) > 0.01)
    }

    @Test func exactKLIsInfiniteWhereTheReferenceExcludesAToken() {
        let policy: [Float] = [log(0.5), log(0.5)]
        let reference: [Float] = [0, -.infinity]
        #expect(Divergence.exactKL(policy.span, reference.span) == .infinity)
        #expect(Divergence.exactKL(reference.span, policy.span) == log(2))
    }

    /// Under the policy, k1 and k3 are unbiased: their expectation is the exact KL.
    @Test func k1AndK3AreUnbiasedUnderThePolicy() {
        let (policy, reference) = (logProbs(policyLogits), logProbs(referenceLogits))
        let exact = Divergence.exactKL(policy.span, reference.span)
        for estimator in [KLEstimator.k1, .k3] {
            let expectation = policy.indices.reduce(Float(0)) {
                $0 + exp(policy[$1])
                    * estimator.value(policy: policy.span, reference: reference.span, action: $1)
            }
            #expect(abs(expectation - exact) < 1e-5, "\(estimator)")
        }
    }

    @Test(arguments: KLEstimator.allCases, [Float(1), 1.7])
    func estimatorGradientsMatchFiniteDifferences(estimator: KLEstimator, temperature: Float) {
        let reference = logProbs(referenceLogits, temperature)
        let policy = logProbs(policyLogits, temperature)
        let analytic = gradient(policy.count) {
            estimator.addGradient(
                policy: policy.span, reference: reference.span, action: 1, temperature: temperature, scale: 2,
                into: &$0)
        }
        let numeric = finiteDifferences(policyLogits) { logits in
            let policy = logProbs(logits, temperature)
            return 2 * estimator.value(policy: policy.span, reference: reference.span, action: 1)
        }
        for (a, n) in zip(analytic, numeric) { #expect(abs(a - n) < 2e-3, "\(analytic) \(numeric)") }
    }

    @Test(arguments: [Float(1), 1.7])
    func entropyAndLogProbGradientsMatchFiniteDifferences(temperature: Float) {
        let policy = logProbs(policyLogits, temperature)
        let entropy = gradient(policy.count) {
            Divergence.addEntropyGradient(policy: policy.span, temperature: temperature, scale: 3, into: &$0)
        }
        let numericEntropy = finiteDifferences(policyLogits) {
            3 * Divergence.entropy(logProbs($0, temperature).span)
        }
        for (a, n) in zip(entropy, numericEntropy) { #expect(abs(a - n) < 2e-3) }

        let logProb = gradient(policy.count) {
            Divergence.addLogProbGradient(
                policy: policy.span, action: 3, temperature: temperature, scale: -1, into: &$0)
        }
        let numericLogProb = finiteDifferences(policyLogits) { -logProbs($0, temperature)[3] }
        for (a, n) in zip(logProb, numericLogProb) { #expect(abs(a - n) < 2e-3) }
    }
}
