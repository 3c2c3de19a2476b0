extension KLReport: LimitedReport {
    /// The figures of a KL report under the names of ``PolicyDivergence/figures``; divergences are in nats. The scope
    /// `tokens=critical`, or any other class of tokens, leaves all other tokens out.
    public static var limitFigures: [LimitFigure] {
        distributions.flatMap { name, meaning in
            places.map { LimitFigure(name: "\(name).\($0)", meaning: "\(meaning), \($0)") }
        } + singleFigures
    }

    /// The figures with the places of the four distributions said once.
    public static var limitFigureNames: String {
        distributions.map { "\($0.name).*" }.joined(separator: ", ") + " (* is " + places.joined(separator: ", ")
            + "), "
            + singleFigures.map(\.name).joined(separator: ", ")
    }

    private static let distributions = [
        (name: "kl", meaning: "KL(policy ‖ reference)"), (name: "reverse_kl", meaning: "KL(reference ‖ policy)"),
        (name: "js", meaning: "Jensen–Shannon divergence"),
        (name: "delta_p", meaning: "change of the token's probability"),
    ]

    private static let places = [
        "mean", "maximum", "p99.9", "p99", "p95", "p90", "p75", "median", "p25", "p10", "p5", "p1", "p0.1", "minimum",
        "standard_error",
    ]

    private static var singleFigures: [LimitFigure] {
        [
            LimitFigure(name: "tokens", meaning: "number of tokens"),
            LimitFigure(name: "k1.mean", meaning: "mean of the estimate k1"),
            LimitFigure(name: "k2.mean", meaning: "mean of the estimate k2"),
            LimitFigure(name: "k3.mean", meaning: "mean of the estimate k3"),
            LimitFigure(name: "delta_p.rms", meaning: "root of the mean squared change of the token's probability"),
            LimitFigure(name: "top1.agreement", meaning: "share of tokens with the same likeliest token"),
            LimitFigure(name: "rank_change.mean", meaning: "places that the token rose"),
            LimitFigure(name: "entropy.policy", meaning: "mean entropy of the policy"),
            LimitFigure(name: "entropy.reference", meaning: "mean entropy of the reference"),
            LimitFigure(name: "certainty.negentropy", meaning: "mean certainty J of the reference, equation 2"),
            LimitFigure(name: "certainty.maximum_probability", meaning: "mean certainty J, the authors' code"),
            LimitFigure(name: "weight.negentropy", meaning: "mean weight J^β, equation 2"),
            LimitFigure(name: "weight.maximum_probability", meaning: "mean weight J^β, the authors' code"),
            LimitFigure(name: "perplexity.policy", meaning: "perplexity of the policy"),
            LimitFigure(name: "perplexity.reference", meaning: "perplexity of the reference"),
            LimitFigure(name: "perplexity.difference", meaning: "perplexity of the policy less the reference's"),
            LimitFigure(name: "perplexity.correlation", meaning: "correlation of the two log-perplexities"),
            LimitFigure(name: "perplexity.ratio", meaning: "perplexity of the policy over the reference's"),
            LimitFigure(name: "perplexity.log_ratio", meaning: "its logarithm"),
            LimitFigure(name: "success.rate", meaning: "share of answers that are correct"),
            LimitFigure(name: "kl.share", meaning: "share of all KL that falls on a class of tokens"),
        ]
    }

    /// Which tokens.
    public static var limitProperties: [String] { ["tokens"] }

    /// The values that a limit is about: one for each policy and class of tokens; a pattern stands for all classes whose
    /// name matches.
    public func measurements(for limit: Limit) throws(LimitError) -> [LimitMeasurement] {
        let compared = policies.flatMap { policy -> [LimitMeasurement] in
            let path = policy.policy.path
            let selectors: [String?] =
                switch limit.scope {
                case nil: [nil]
                case .property(_, let name): [name]
                case .matching(let pattern): policy.classes.map(\.name).filter(pattern.matches)
                }
            return selectors.map { selector in
                let subject = path + (selector.map { ", \($0) tokens" } ?? "")
                let figure = policy.figures.first { $0.name == limit.figure && $0.selector == selector }
                return figure.map { LimitMeasurement(subject, $0.value) }
                    ?? LimitMeasurement(subject, gap: "there is no such figure of these tokens")
            }
        }
        return compared + (leftOut ?? []).map { LimitMeasurement($0.path, gap: "it was not compared: \($0.reason)") }
    }
}
