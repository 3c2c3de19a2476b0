import CheckpointFormat
import CheckpointInterop
import LanguageModel
import TensorCore
import TestSupport
import Testing
import Training

/// Advantages and the whole policy loss against PyTorch in double precision: `fixtures/golden/record.py`.
@Suite("Golden values of RL")
struct GoldenTests {
    private static let temperature: Float = 1.7
    private let file: any CheckpointSource

    init() throws { file = try CheckpointOpener.open(Fixtures.path("golden/rl.safetensors")) }

    private func words(_ name: String) throws -> [UInt32] {
        let tensor = try #require(file.tensor(named: name), "\(name)")
        var words: [UInt32] = []
        try file.forEachChunk(of: tensor) { (_, bytes) throws(CheckpointError) in
            for start in stride(from: 0, to: bytes.byteCount, by: 4) {
                words.append(
                    (0..<4).reduce(0) { word, index in
                        word | UInt32(unsafe bytes.unsafeLoad(fromByteOffset: start + index, as: UInt8.self))
                            << UInt32(8 * index)
                    })
            }
        }
        return words
    }

    private func floats(_ name: String) throws -> [Float] { try words(name).map { Float(bitPattern: $0) } }

    @Test("Generalised advantage estimation, discount 1 and λ 0.95")
    func advantages() throws {
        let result = Advantages(
            rewards: try floats("gae/rewards"), values: try floats("gae/values"), discount: 1, lambda: 0.95)
        expectClose(result.advantages, try floats("gae/advantages"), "advantages")
        expectClose(result.returns, try floats("gae/returns"), "returns")
    }

    @Test("The gradient of actor, entropy and weighted penalty together", arguments: KLEstimator.allCases)
    func lossGradient(estimator: KLEstimator) throws {
        let loss = PolicyLoss(
            temperature: Self.temperature, entropyCoefficient: 0.25, penaltyCoefficient: 3, estimator: estimator,
            weight: .prioritised(certainty: .negentropy, beta: 3, intercept: 0))
        let gradient = try evaluate(loss)
        let penalty = estimator == .exact ? "exact_kl_policy_reference" : estimator.rawValue
        let expected = zip(
            zip(try floats("gradients/policy_loss"), try floats("gradients/mean_entropy")),
            try floats("gradients/weighted_\(penalty)")
        ).map { $0.0 - 0.25 * $0.1 + 3 * $1 }
        expectClose(gradient, expected, "gradient with \(penalty)")
    }

    /// The gradient of the mean over the file's states, flattened.
    private func evaluate(_ loss: PolicyLoss) throws -> [Float] {
        let (policyLogits, referenceLogits) = (try floats("policy_logits"), try floats("reference_logits"))
        let actions = try words("actions").map { Int(Int32(bitPattern: $0)) }
        let advantages = try floats("policy_advantages")
        let width = policyLogits.count / actions.count
        var all: [Float] = []
        for (state, action) in actions.enumerated() {
            let row = state * width..<(state + 1) * width
            let policy = logSoftmax(Array(policyLogits[row]))
            let reference = logSoftmax(Array(referenceLogits[row]))
            let logits = Array(referenceLogits[row])
            var gradient = Array(repeating: Float(0), count: width)
            var span = gradient.mutableSpan
            _ = loss.addGradient(
                policy: policy.span, reference: reference.span,
                penaltyWeight: loss.weight.value(referenceLogits: logits.span, temperature: loss.temperature),
                action: action, advantage: advantages[state], oldLogProb: 0, scale: 1 / Float(actions.count),
                into: &span)
            all += gradient
        }
        return all
    }

    private func logSoftmax(_ logits: [Float]) -> [Float] {
        var result = logits
        var span = result.mutableSpan
        Divergence.logSoftmax(logits.span, temperature: Self.temperature, into: &span)
        return result
    }

    private func expectClose(_ found: [Float], _ expected: [Float], _ what: String) {
        #expect(found.count == expected.count, "\(what)")
        let largest = zip(found, expected).map { abs($0 - $1) }.max() ?? 0
        #expect(largest < 2e-6, "\(what)")
    }
}
