import Analysis
import Foundation
import LanguageModel
import TestSupport
import Testing

/// The figures of `crux kl` beside those of an independent implementation in numpy, in double precision
/// (fixtures/divergence/record.py).
@Suite struct DivergenceGoldenTests {
    private struct Golden: Decodable {
        struct Case: Decodable {
            let policy: [Float]
            let reference: [Float]
            let action: Int
        }

        struct Summary: Decodable {
            let kl: [String: Double]
            let probabilityChange: [String: Double]
            let probabilityChangeRMS: [String: Double]
            let policyPerplexity: Double
            let referencePerplexity: Double
            let logRatio: [String: Double]
            let ratio: Double
            let difference: Double
            let differenceError: Double
            let correlation: Double
            let clusteredError: Double
        }

        let temperature: Float
        let beta: Float
        let cases: [Case]
        let tokens: [[String: Double]]
        let summary: Summary
    }

    private let golden: Golden

    init() throws {
        golden = try JSONDecoder().decode(
            Golden.self, from: Data(Fixtures.path("divergence/golden.json").readBytes()))
    }

    private func near(_ found: Double?, _ expected: Double?) -> Bool {
        guard let found, let expected else { return false }
        // Sums of a few terms of size one in double precision, in another order.
        return abs(found - expected) <= 1e-13 + 1e-11 * abs(expected)
    }

    private func row(_ logits: [Float], _ temperature: Float) -> [Double] {
        var row = [Double](repeating: 0, count: logits.count)
        var span = row.mutableSpan
        Divergence.logSoftmax(logits.span, temperature: temperature, into: &span)
        return row
    }

    @Test func everyFigureOfATokenIsThatOfNumpy() {
        #expect(golden.cases.count == golden.tokens.count && golden.cases.count > 40)
        for (sample, expected) in zip(golden.cases, golden.tokens) {
            let (policy, reference) = (
                row(sample.policy, golden.temperature), row(sample.reference, golden.temperature)
            )
            func estimate(_ estimator: KLEstimator) -> Double {
                estimator.value(policy: policy.span, reference: reference.span, action: sample.action)
            }
            func certainty(_ certainty: Certainty) -> Double {
                certainty.preciseValue(referenceLogits: sample.reference.span, temperature: golden.temperature)
            }
            func weight(_ certainty: Certainty) -> Double {
                PenaltyWeight.prioritised(certainty: certainty, beta: golden.beta, intercept: 0)
                    .preciseValue(referenceLogits: sample.reference.span, temperature: golden.temperature)
            }
            let found: [(String, Double)] = [
                ("exactKLPolicyReference", Divergence.exactKL(policy.span, reference.span)),
                ("exactKLReferencePolicy", Divergence.exactKL(reference.span, policy.span)),
                ("jensenShannon", Divergence.jensenShannon(policy.span, reference.span)),
                ("k1Estimate", estimate(.k1)), ("k2Estimate", estimate(.k2)), ("k3Estimate", estimate(.k3)),
                ("policyEntropy", Divergence.entropy(policy.span)),
                ("referenceEntropy", Divergence.entropy(reference.span)),
                ("negentropyCertainty", certainty(.negentropy)),
                ("maximumProbabilityCertainty", certainty(.maximumProbability(temperature: 4))),
                ("negentropyWeight", weight(.negentropy)),
                ("maximumProbabilityWeight", weight(.maximumProbability(temperature: 4))),
                ("policyLogProb", policy[sample.action]), ("referenceLogProb", reference[sample.action]),
                ("policyRank", Double(Divergence.rank(of: sample.action, in: policy.span))),
                ("referenceRank", Double(Divergence.rank(of: sample.action, in: reference.span))),
            ]
            #expect(Set(found.map(\.0)) == Set(expected.keys))
            for (name, value) in found {
                #expect(near(value, expected[name]), "\(name): \(value), numpy \(expected[name] ?? .nan)")
            }
        }
    }

    @Test func everyFigureOfManyTokensIsThatOfNumpy() throws {
        // The tokens as a report holds them, from numpy's own figures.
        let tokens = try zip(golden.cases, golden.tokens).map { sample, figures in
            try Self.token(figures, position: sample.action)
        }
        let summary = try #require(KLSummary(tokens))
        let expected = golden.summary
        let kl = summary.exactKLPolicyReference
        #expect(near(kl.mean, expected.kl["mean"]) && near(kl.standardError, expected.kl["standardError"]))
        for (name, value) in [
            ("p1", kl.p1), ("p5", kl.p5), ("p10", kl.p10), ("p50", kl.median), ("p90", kl.p90), ("p95", kl.p95),
            ("p99", kl.p99), ("p99.9", kl.p99_9),
        ] {
            #expect(near(value, expected.kl[name]), "\(name)")
        }
        let texts = stride(from: 0, to: tokens.count, by: 8).map { tokens[$0..<$0 + 8].map(\.exactKLPolicyReference) }
        #expect(near(MeanEstimate.clusteredStandardError(texts), expected.clusteredError))
        #expect(near(summary.probabilityChange.mean, expected.probabilityChange["mean"]))
        #expect(near(summary.probabilityChange.standardError, expected.probabilityChange["standardError"]))
        #expect(near(summary.probabilityChangeRMS.mean, expected.probabilityChangeRMS["mean"]))
        #expect(near(summary.probabilityChangeRMS.standardError, expected.probabilityChangeRMS["standardError"]))
        let perplexity = summary.perplexity
        #expect(near(perplexity.policy.mean, expected.policyPerplexity))
        #expect(near(perplexity.reference.mean, expected.referencePerplexity))
        #expect(near(perplexity.logRatio.mean, expected.logRatio["mean"]))
        #expect(near(perplexity.logRatio.standardError, expected.logRatio["standardError"]))
        #expect(near(perplexity.ratio.mean, expected.ratio))
        #expect(near(perplexity.difference.mean, expected.difference))
        #expect(near(perplexity.difference.standardError, expected.differenceError))
        #expect(near(perplexity.correlation, expected.correlation))
    }

    /// A token from a JSON of its figures.
    private static func token(_ figures: [String: Double], position: Int) throws -> TokenDivergence {
        func pair(_ suffix: String) -> [String: Double] {
            [
                "negentropy": figures["negentropy\(suffix)"] ?? .nan,
                "maximumProbability": figures["maximumProbability\(suffix)"] ?? .nan,
            ]
        }
        var object: [String: Any] = figures.filter {
            !$0.key.hasSuffix("Certainty") && !$0.key.hasSuffix("Weight") && !$0.key.hasSuffix("Rank")
        }
        object["certainty"] = pair("Certainty")
        object["penaltyWeight"] = pair("Weight")
        for name in ["policyRank", "referenceRank"] { object[name] = Int(figures[name] ?? 0) }
        for name in ["text", "policyTop", "referenceTop"] { object[name] = "a" }
        object["position"] = position
        object["topAgrees"] = true
        return try JSONDecoder().decode(
            TokenDivergence.self, from: JSONSerialization.data(withJSONObject: object))
    }
}
