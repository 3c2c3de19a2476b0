/// One figure of a report under a stable name, for limits and for tables that programs read.
public struct ReportFigure: Codable, Hashable, Sendable {
    /// For example `kl.p99`. Names without a direction are those of KL(policy ‖ reference), exact, in nats.
    public let name: String
    /// The class of tokens that it is about, for example `critical`; nil for all.
    public let selector: String?
    /// The value.
    public let value: Double

    /// A figure.
    public init(_ name: String, selector: String? = nil, value: Double) {
        self.name = name
        self.selector = selector
        self.value = value
    }
}

extension KLSummary {
    /// Every figure by name: `kl.mean`, `reverse_kl.p99`, `js.maximum`, `delta_p.rms`, `perplexity.ratio`, `top1.agreement`
    /// and so on; docs/kl.md lists them.
    public var figures: [(name: String, value: Double)] {
        var figures: [(name: String, value: Double)] = [("tokens", Double(tokenCount))]
        for (prefix, distribution) in [
            ("kl", exactKLPolicyReference), ("reverse_kl", exactKLReferencePolicy), ("js", jensenShannon),
            ("delta_p", probabilityChange),
        ] {
            figures += distribution.figures.map { ("\(prefix).\($0.name)", $0.value) }
            if let error = distribution.standardError { figures.append(("\(prefix).standard_error", error)) }
        }
        let means: [(String, MeanEstimate)] = [
            ("k1.mean", k1Estimate), ("k2.mean", k2Estimate), ("k3.mean", k3Estimate),
            ("delta_p.rms", probabilityChangeRMS), ("top1.agreement", topAgreement), ("rank_change.mean", rankChange),
            ("entropy.policy", policyEntropy), ("entropy.reference", referenceEntropy),
            ("certainty.negentropy", negentropyCertainty),
            ("certainty.maximum_probability", maximumProbabilityCertainty),
            ("weight.negentropy", negentropyWeight), ("weight.maximum_probability", maximumProbabilityWeight),
            ("perplexity.policy", perplexity.policy), ("perplexity.reference", perplexity.reference),
            ("perplexity.ratio", perplexity.ratio), ("perplexity.log_ratio", perplexity.logRatio),
            ("perplexity.difference", perplexity.difference),
        ]
        figures += means.map { ($0.0, $0.1.mean) }
        if let correlation = perplexity.correlation { figures.append(("perplexity.correlation", correlation)) }
        return figures
    }
}

extension PolicyDivergence {
    /// Every figure by name, of all tokens first, then class by class.
    public var figures: [ReportFigure] {
        var figures = summary.figures.map { ReportFigure($0.name, value: $0.value) }
        if let answers, answers.total > 0 {
            figures.append(ReportFigure("success.rate", value: Double(answers.correct) / Double(answers.total)))
        }
        for tokens in classes {
            figures.append(ReportFigure("kl.share", selector: tokens.name, value: tokens.klShare))
            figures += tokens.summary.figures.map { ReportFigure($0.name, selector: tokens.name, value: $0.value) }
        }
        return figures
    }

    /// The figures of one class of tokens; nil where the text has none of it.
    public func summary(of className: String) -> KLSummary? { classes.first { $0.name == className }?.summary }
}
