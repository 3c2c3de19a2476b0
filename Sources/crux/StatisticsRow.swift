internal import Analysis
internal import Rendering

/// One line of the statistics of a comparison, as llama.cpp's perplexity tool prints them.
struct StatisticsRow: Sendable {
    /// What it is.
    let name: String
    /// The cell of a policy; nil for a heading.
    private let cell: (@Sendable (PolicyDivergence) -> String)?

    var isHeading: Bool { cell == nil }

    func text(_ policy: PolicyDivergence) -> String { cell?(policy) ?? "" }

    private static let number = FigureFormat.significant(3)
    private static let percent = FigureFormat.percent(3)

    private static func heading(_ name: String) -> StatisticsRow { StatisticsRow(name: name, cell: nil) }

    private static func row(_ name: String, _ cell: @escaping @Sendable (KLSummary) -> String) -> StatisticsRow {
        StatisticsRow(name: name) { cell($0.summary) }
    }

    private static func percentiles(
        _ format: FigureFormat, withQuartiles: Bool, _ distribution: @escaping @Sendable (KLSummary) -> Distribution
    ) -> [StatisticsRow] {
        let middle: [(String, @Sendable (Distribution) -> Double)] =
            withQuartiles
            ? [("75 %", \.p75), ("median", \.median), ("25 %", \.p25)] : [("median", \.median)]
        let all: [(String, @Sendable (Distribution) -> Double)] =
            [("maximum", \.maximum), ("99.9 %", \.p99_9), ("99 %", \.p99), ("95 %", \.p95), ("90 %", \.p90)] + middle
            + [("10 %", \.p10), ("5 %", \.p5), ("1 %", \.p1), ("0.1 %", \.p0_1), ("minimum", \.minimum)]
        return all.map { name, value in row("  \(name)") { format.text(value(distribution($0))) } }
    }

    static let all: [StatisticsRow] =
        [
            row("count") { FigureFormat.count.text($0.tokenCount) },
            row("mean KL(policy ‖ reference)") { $0.exactKLPolicyReference.estimate.text() },
            StatisticsRow(name: "  its error by sequence") { number.text($0.klStandardErrorBySequence) },
        ] + percentiles(number, withQuartiles: false, \.exactKLPolicyReference) + [
            row("mean KL(reference ‖ policy)") { $0.exactKLReferencePolicy.estimate.text() },
            row("  99 %") { number.text($0.exactKLReferencePolicy.p99) },
            row("  maximum") { number.text($0.exactKLReferencePolicy.maximum) },
            row("mean Jensen–Shannon") { $0.jensenShannon.estimate.text() },
            row("mean k1 estimate") { $0.k1Estimate.text() },
            row("mean k2 estimate") { $0.k2Estimate.text() },
            row("mean k3 estimate") { $0.k3Estimate.text() },
            heading("the written token's probability"),
            row("mean Δp") { $0.probabilityChange.estimate.text(percent) },
        ] + percentiles(percent, withQuartiles: true, \.probabilityChange) + [
            row("RMS Δp") { $0.probabilityChangeRMS.text(percent) },
            row("same top token") { $0.topAgreement.text(percent) },
            row("mean rank change") { $0.rankChange.text() },
            heading("perplexity"),
            row("policy") { $0.perplexity.policy.text() },
            row("reference") { $0.perplexity.reference.text() },
            row("ln ratio") { $0.perplexity.logRatio.text() },
            row("ratio") { $0.perplexity.ratio.text() },
            row("difference") { $0.perplexity.difference.text() },
            row("correlation") { FigureFormat.percent(2).text($0.perplexity.correlation) },
            heading("uncertainty"),
            row("mean entropy, policy") { $0.policyEntropy.text() },
            row("mean entropy, reference") { $0.referenceEntropy.text() },
            row("mean certainty, negentropy") { $0.negentropyCertainty.text() },
            row("mean certainty, p max at T 4") { $0.maximumProbabilityCertainty.text() },
            row("mean weight, negentropy") { $0.negentropyWeight.text() },
            row("mean weight, p max at T 4") { $0.maximumProbabilityWeight.text() },
        ]
}
