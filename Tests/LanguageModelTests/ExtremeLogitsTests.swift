import Kernels
import LanguageModel
import Testing

/// Distributions whose logits are as far apart as floats allow: every figure has a value known in closed form.
@Suite("Log-softmax, KL and their gradients at extreme logits")
struct ExtremeLogitsTests {
    private static let infinity = Float.infinity

    /// log softmax in either precision.
    private func logSoftmax<Value: LogProbability>(
        _ logits: [Float], temperature: Float = 1, as type: Value.Type = Value.self
    ) -> [Value] {
        var logProbs = [Value](repeating: 0, count: logits.count)
        var span = logProbs.mutableSpan
        Divergence.logSoftmax(logits.span, temperature: temperature, into: &span)
        return logProbs
    }

    /// The same by the kernel that generation and the losses use.
    private func kernelLogSoftmax(_ logits: [Float]) -> [Float] {
        let slice = FloatArena.holding(logits)
        Softmax.logProbabilities(slice, width: logits.count, into: slice)
        return logits.indices.map { slice[$0] }
    }

    private static let cases: [(logits: [Float], expected: [Double])] = [
        ([1e4, -1e4, 0], [0, -2e4, -1e4]),
        ([-1e4, -1e4, -1e4, -1e4], Array(repeating: -1.3862943611198906, count: 4)),
        ([1e4, 1e4], [-0.6931471805599453, -0.6931471805599453]),
        ([1e4, 1e4 - 1], [-0.31326168751822286, -1.3132616875182228]),
        ([-infinity, 0, 0], [-.infinity, -0.6931471805599453, -0.6931471805599453]),
        ([-infinity, -infinity, -1e4], [-.infinity, -.infinity, 0]),
        ([3e38, -3e38, 0], [0, -6e38, -3e38]),
        ([0], [0]),
    ]

    @Test(
        "Log-softmax has the value in closed form, in single and double precision and in the kernel", arguments: cases)
    func logSoftmax(logits: [Float], expected: [Double]) {
        let single = logSoftmax(logits, as: Float.self)
        let double = logSoftmax(logits, as: Double.self)
        let kernel = kernelLogSoftmax(logits)
        for index in logits.indices {
            // What single precision cannot hold, it has as infinity.
            let asSingle = Float(expected[index])
            #expect(isClose(Double(single[index]), Double(asSingle), 1e-6), "\(single) \(expected)")
            #expect(isClose(Double(kernel[index]), Double(asSingle), 1e-6), "\(kernel) \(expected)")
            #expect(isClose(double[index], expected[index], 1e-7), "\(double) \(expected)")
        }
    }

    private func isClose(_ value: Double, _ expected: Double, _ tolerance: Double) -> Bool {
        value == expected || abs(value - expected) <= tolerance * max(1, abs(expected))
    }

    @Test("The temperature scales the distance, not its place", arguments: [Float(0.01), 1, 100])
    func temperature(temperature: Float) {
        let double = logSoftmax([1e4, -1e4], temperature: temperature, as: Double.self)
        let distance = 2e4 / Double(temperature)
        #expect(abs(double[0] - double[1] - distance) < 1e-6 * distance)
        #expect(double[0] <= 0)
    }

    @Test("Logits that are all excluded, or infinite or NaN, give NaN, which callers refuse by name")
    func notNumbers() {
        for logits in [[-Self.infinity, -Self.infinity], [Self.infinity, 0], [Float.nan, 0]] {
            #expect(logSoftmax(logits, as: Float.self).contains { $0.isNaN }, "\(logits)")
            #expect(logSoftmax(logits, as: Double.self).contains { $0.isNaN }, "\(logits)")
        }
    }

    private func exactKL<Value: LogProbability>(_ p: [Float], _ q: [Float], as type: Value.Type) -> Double {
        Double(Divergence.exactKL(logSoftmax(p, as: Value.self).span, logSoftmax(q, as: Value.self).span))
    }

    private static let oneHot: [Float] = [1e4, -1e4, -1e4, -1e4]
    private static let otherHot: [Float] = [-1e4, 1e4, -1e4, -1e4]
    private static let uniform: [Float] = [1e4, 1e4, 1e4, 1e4]
    private static let masked: [Float] = [0, 0, -infinity, -infinity]

    private static let divergences: [(p: [Float], q: [Float], kl: Double)] = [
        (oneHot, oneHot, 0), (uniform, uniform, 0), (masked, masked, 0),
        (oneHot, otherHot, 2e4), (oneHot, uniform, 1.3862943611198906),
        (masked, uniform, 0.6931471805599453), (uniform, masked, .infinity),
        (oneHot, masked, 0.6931471805599453), (masked, oneHot, 1e4 - 0.6931471805599453),
    ]

    @Test(
        "KL has the value in closed form: 0 for equal rows, infinite where the reference excludes",
        arguments: divergences)
    func divergence(p: [Float], q: [Float], kl: Double) {
        #expect(isClose(exactKL(p, q, as: Float.self), kl, 1e-6))
        #expect(isClose(exactKL(p, q, as: Double.self), kl, 1e-9))
        let (logP, logQ) = (logSoftmax(p, as: Double.self), logSoftmax(q, as: Double.self))
        let jensenShannon = Divergence.jensenShannon(logP.span, logQ.span)
        #expect(jensenShannon >= 0 && jensenShannon <= 0.6931471805599454)
        #expect(jensenShannon == Divergence.jensenShannon(logQ.span, logP.span))
    }

    @Test("Entropy runs from 0 to ln V, and a distribution without overlap is ln 2 away")
    func ends() {
        #expect(Divergence.entropy(logSoftmax(Self.oneHot, as: Double.self).span) == 0)
        #expect(isClose(Divergence.entropy(logSoftmax(Self.uniform, as: Double.self).span), 1.3862943611198906, 1e-12))
        #expect(isClose(Divergence.entropy(logSoftmax(Self.masked, as: Double.self).span), 0.6931471805599453, 1e-12))
        let distance = Divergence.jensenShannon(
            logSoftmax(Self.oneHot, as: Double.self).span, logSoftmax(Self.otherHot, as: Double.self).span)
        #expect(isClose(distance, 0.6931471805599453, 1e-12))
        #expect(Certainty.negentropy.preciseValue(referenceLogits: Self.oneHot.span, temperature: 1) == 1)
        #expect(Certainty.negentropy.preciseValue(referenceLogits: Self.uniform.span, temperature: 1) == 0)
        #expect(
            isClose(Certainty.negentropy.preciseValue(referenceLogits: Self.masked.span, temperature: 1), 0.5, 1e-12))
    }

    @Test(
        "Gradients stay finite and sum to zero, for every estimator and with masks",
        arguments: KLEstimator.allCases, [(oneHot, uniform), (uniform, oneHot), (masked, oneHot), (masked, masked)])
    func gradients(estimator: KLEstimator, rows: ([Float], [Float])) {
        let (policy, reference) = (logSoftmax(rows.0, as: Float.self), logSoftmax(rows.1, as: Float.self))
        var gradient = [Float](repeating: 0, count: policy.count)
        var span = gradient.mutableSpan
        estimator.addGradient(
            policy: policy.span, reference: reference.span, action: 0, temperature: 1, scale: 1, into: &span)
        Divergence.addEntropyGradient(policy: policy.span, temperature: 1, scale: 1, into: &span)
        #expect(gradient.allSatisfy { $0.isFinite }, "\(gradient)")
        #expect(abs(gradient.reduce(0, +)) <= 1e-3 * max(1, gradient.map(abs).max() ?? 0), "\(gradient)")
    }

    @Test("The cross-entropy of a token that is all but excluded is its distance, and its gradient is finite")
    func crossEntropy() {
        let logits = FloatArena.holding(Self.oneHot)
        let (losses, gradient) = (FloatArena(count: 1).all, FloatArena(count: 4).all)
        let sum = CrossEntropy.evaluate(logits: logits, targets: [1], losses: losses, gradient: gradient)
        #expect(sum.loss == 2e4)
        #expect((0..<4).map { gradient[$0] } == [1, -1, 0, 0])
    }
}
