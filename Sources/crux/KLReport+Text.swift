internal import Analysis
internal import LanguageModel
internal import Rendering
internal import Tasks

extension KLReport {
    /// Up to so many policies stand side by side; of more, the last one's figures follow the series.
    private static let columnLimit = 3

    /// The report for a terminal.
    ///
    /// - Parameter heat: What a heat map is coloured by and how many sequences of each policy it shows; nil for none.
    func text(style: TerminalStyle, heat: (measure: HeatMeasure, sequenceCount: Int)?) -> String {
        var parts = [
            CheckpointIdentity.table(
                [("reference", reference)] + policies.map { ("policy", $0.policy) }
            ).text(style: style) + style.paint(originText, .faint) + "\n" + warnings.map { $0 + "\n" }.joined()
        ]
        if let limits { parts.append(LimitCheck.table(limits).text(style: style)) }
        if policies.count > 1 { parts.append(seriesTable.text(style: style)) }
        let detailed = policies.count <= Self.columnLimit ? policies[...] : policies.suffix(1)
        parts.append(statisticsTable(detailed).text(style: style))
        for policy in policies.suffix(1) {
            if !policy.classes.isEmpty { parts.append(policy.classTable.text(style: style)) }
            if policy.positions.count > 1 { parts.append(policy.positionTable(text.kind).text(style: style)) }
        }
        for policy in policies {
            if let crossSampling = policy.crossSampling {
                parts.append(named(policy, CrossSampling.table(crossSampling).text(style: style), style))
            }
            if !policy.mostShifted.isEmpty {
                parts.append(named(policy, policy.shiftedTable.text(style: style), style))
            }
            if let heat, heat.sequenceCount > 0, !policy.sequences.isEmpty {
                parts.append(named(policy, heatText(policy, heat.measure, heat.sequenceCount, style), style))
            }
        }
        return parts.joined(separator: "\n")
    }

    private func named(_ policy: PolicyDivergence, _ text: String, _ style: TerminalStyle) -> String {
        policies.count > 1 ? style.paint(policy.policy.path, .strong) + "\n" + text : text
    }

    private func heatText(
        _ policy: PolicyDivergence, _ measure: HeatMeasure, _ sequenceCount: Int, _ style: TerminalStyle
    ) -> String {
        let heat = policy.heat(sequenceCount: sequenceCount, isTask: text.kind == .task)
        guard let index = heat.measures.firstIndex(where: { $0.name == measure.name }) else {
            return style.paint("No token has the measure \(measure.name).", .faint) + "\n"
        }
        return style.paint("Tokens by \(measure.name)", .faint) + "\n"
            + heat.terminalLegend(measure: index, style: style) + "\n"
            + heat.terminalText(measure: index, style: style)
    }

    /// Where the text comes from and how it was compared.
    var originText: String {
        var parts = [text.name, text.source.words(temperature: temperature)]
        if let seed = text.seed { parts.append("seed \(seed)") }
        parts.append(FigureFormat.counted(text.sequenceCount, "sequence"))
        parts.append("distributions at temperature \(Self.setting(temperature))")
        parts.append("weights J^β with β = \(Self.setting(beta))")
        return parts.joined(separator: ", ")
    }

    /// What a reader must know about models that differ in more than their weights.
    var warnings: [String] {
        (leftOut ?? []).map { "left out: \(TerminalText.visible($0.reason))" }
            + policies.flatMap { policy -> [String] in
                var warnings: [String] = []
                if let vocabulary = policy.vocabulary {
                    let mass = FigureFormat.percent(2)
                    warnings.append(
                        "\(policy.policy.path): compared on the \(FigureFormat.counted(vocabulary.sharedCount, "token")) that both "
                            + "vocabularies have, normalised anew; the rest (\(vocabulary.policyOnly.count) only in the policy, "
                            + "\(vocabulary.referenceOnly.count) only in the reference) has probability "
                            + "\(mass.text(vocabulary.policyExcludedMass)) and \(mass.text(vocabulary.referenceExcludedMass))"
                    )
                }
                if let length = policy.sharedContextLength {
                    warnings.append(
                        "\(policy.policy.path): the contexts differ; compared within \(FigureFormat.count.text(length)) positions, "
                            + "the shorter one")
                }
                return warnings
            }
    }

    /// Why not everything could be compared, in words; nil where it could.
    var shortcoming: String? {
        let partial = policies.first { $0.vocabulary != nil || $0.sharedContextLength != nil }
        return leftOut?.first?.reason
            ?? partial.map {
                "\($0.policy.path): found \($0.vocabulary == nil ? "another context length" : "another vocabulary") than "
                    + "the reference's, expected the same"
            }
    }

    private var seriesTable: TextTable {
        TextTable(
            columns: [.init("policy", truncation: .start)] + SeriesFigure.all.map { .init($0.title, .right) },
            rows: policies.map { policy in
                [.init(policy.policy.path)] + SeriesFigure.all.map { .init($0.text(policy)) }
            })
    }

    private func statisticsTable(_ policies: ArraySlice<PolicyDivergence>) -> TextTable {
        TextTable(
            columns: [.init("tokens, in nats")]
                + policies.map { .init(policies.count > 1 ? $0.policy.name : "value", .right, truncation: .start) },
            rows: StatisticsRow.all.map { row in
                [.init(row.name, row.isHeading ? .strong : .plain)]
                    + policies.map { .init(row.isHeading ? "" : row.text($0)) }
            })
    }

    /// A number of the settings.
    static func setting(_ value: Float) -> String { FigureFormat.significant(4).trimmedText(Double(value)) }

    /// A log-probability as a probability.
    static func probability(_ logProb: Double) -> String {
        FigureFormat.significant(2).text(Double.exponential(logProb))
    }
}

extension KLReport {
    /// The same without the single tokens.
    var withoutTokens: KLReport {
        var report = KLReport(
            reference: reference, text: text, temperature: temperature, beta: beta, vocabularySize: vocabularySize,
            policies: policies.map { policy in
                var policy = policy
                policy.sequences = []
                return policy
            })
        report.leftOut = leftOut
        report.limits = limits
        return report
    }
}

extension TextSource {
    /// Whose text it is, in words.
    func words(temperature: Float) -> String {
        switch self {
        case .policySamples: "sampled by each policy at temperature \(KLReport.setting(temperature))"
        case .policyGreedy: "written greedily by each policy"
        case .referenceSamples: "sampled by the reference at temperature \(KLReport.setting(temperature))"
        case .referenceGreedy: "written greedily by the reference"
        case .truth: "the given text, read by both (teacher forcing)"
        }
    }
}

extension MeanEstimate {
    /// `0.0302 ± 0.0009`; without the error where there is none.
    func text(_ format: FigureFormat = .significant(3)) -> String {
        guard let standardError else { return format.text(mean) }
        let error: FigureFormat =
            switch format {
            case .percent: format
            default: .significant(2)
            }
        return "\(format.text(mean)) ± \(error.text(standardError))"
    }
}

/// A figure of a series, one column of its table.
struct SeriesFigure: Sendable {
    /// The column's heading.
    let title: String
    /// The value that it is sorted and drawn by.
    let value: @Sendable (PolicyDivergence) -> Double?
    /// The cell's text.
    let text: @Sendable (PolicyDivergence) -> String

    static let all: [SeriesFigure] = [
        SeriesFigure(title: "step", value: { $0.policy.step.map(Double.init) }) {
            FigureFormat.count.text($0.policy.step.map(Double.init))
        },
        SeriesFigure(title: "tokens", value: { Double($0.summary.tokenCount) }) {
            FigureFormat.count.text($0.summary.tokenCount)
        },
        SeriesFigure(title: "mean KL", value: { $0.summary.exactKLPolicyReference.mean }) {
            $0.summary.exactKLPolicyReference.estimate.text(.significant(3))
        },
        SeriesFigure(title: "99 %", value: { $0.summary.exactKLPolicyReference.p99 }) {
            FigureFormat.significant(3).text($0.summary.exactKLPolicyReference.p99)
        },
        SeriesFigure(title: "max", value: { $0.summary.exactKLPolicyReference.maximum }) {
            FigureFormat.significant(3).text($0.summary.exactKLPolicyReference.maximum)
        },
        SeriesFigure(title: "critical", value: { $0.summary(of: "critical")?.exactKLPolicyReference.mean }) {
            FigureFormat.significant(3).text($0.summary(of: "critical")?.exactKLPolicyReference.mean)
        },
        SeriesFigure(title: "same top", value: { $0.summary.topAgreement.mean }) {
            $0.summary.topAgreement.text(.percent(2))
        },
        SeriesFigure(title: "ppl ratio", value: { $0.summary.perplexity.ratio.mean }) {
            $0.summary.perplexity.ratio.text()
        },
        SeriesFigure(title: "right", value: { $0.successRate }) { FigureFormat.percent(1).text($0.successRate) },
    ]
}

extension Distribution {
    /// The mean with its error.
    var estimate: MeanEstimate { MeanEstimate(mean: mean, standardError: standardError) }
}

extension PolicyDivergence {
    /// The share of right answers; nil for a text.
    var successRate: Double? { answers.map { Double($0.correct) / Double(max(1, $0.total)) } }

    /// The figures by class of token.
    fileprivate var classTable: TextTable {
        TextTable(
            columns: [
                .init("class"), .init("tokens", .right), .init("share of KL", .right), .init("mean KL", .right),
                .init("99 %", .right), .init("max", .right), .init("same top", .right), .init("mean Δp", .right),
            ],
            rows: TokenClassSummary.Group.allCases.flatMap { group in
                classes.filter { $0.group == group }.map { tokens in
                    let kl = tokens.summary.exactKLPolicyReference
                    return [
                        .init(tokens.name), .init(FigureFormat.count.text(tokens.summary.tokenCount)),
                        .init(FigureFormat.percent(1).text(tokens.klShare)), .init(kl.estimate.text(.significant(3))),
                        .init(FigureFormat.significant(3).text(kl.p99)),
                        .init(FigureFormat.significant(3).text(kl.maximum)),
                        .init(FigureFormat.percent(1).text(tokens.summary.topAgreement.mean)),
                        .init(FigureFormat.percent(2).text(tokens.summary.probabilityChange.mean)),
                    ]
                }
            })
    }

    /// The figures by position.
    fileprivate func positionTable(_ kind: TextOrigin.Kind) -> TextTable {
        TextTable(
            columns: [
                .init(kind == .text ? "position" : "after prompt", .right), .init("tokens", .right),
                .init("mean KL", .right), .init("same top", .right),
            ],
            rows: positions.map { range in
                [
                    .init(range.label), .init(FigureFormat.count.text(range.tokenCount)),
                    .init(range.exactKLPolicyReference.text(.significant(3))),
                    .init(range.topAgreement.text(.percent(1))),
                ]
            })
    }

    fileprivate var shiftedTable: TextTable {
        let hasCritical = mostShifted.contains { $0.token.critical != nil }
        var table = TextTable(columns: [
            .init("KL(π‖ref)", .right), .init("seq", .right), .init("pos", .right),
            .init("before", .right, truncation: .end), .init("token"), .init("after", truncation: .start),
            .init("policy"), .init("reference"),
        ])
        if hasCritical { table.columns.append(.init("critical")) }
        table.rows = mostShifted.map { shifted in
            let token = shifted.token
            return [
                .init(FigureFormat.significant(3).text(token.exactKLPolicyReference)),
                .init("\(shifted.sequence + 1)"), .init("\(token.position)"), .init(shifted.left, .faint),
                .init(token.text, .strong), .init(shifted.right, .faint),
                .init("\(KLReport.probability(token.policyLogProb)) (top \(token.policyTop))"),
                .init("\(KLReport.probability(token.referenceLogProb)) (top \(token.referenceTop))"),
                .init(token.critical?.name ?? ""),
            ]
        }
        return table
    }
}

extension PositionSummary {
    /// `40 … 59`.
    var label: String { first == last ? "\(first)" : "\(first) … \(last)" }
}

extension CrossSampling {
    /// The success by the number of replaced tokens.
    static func table(_ results: [CrossSampling]) -> TextTable {
        TextTable(
            columns: [
                .init("cross-sampling, greedy"), .init("replaced", .right), .init("on average", .right),
                .init("right answers", .right),
            ],
            rows: results.flatMap { result in
                result.rows.map { [.init($0.name), .init($0.limit), .init($0.mean), .init($0.accuracy.text)] }
            })
    }

    /// The rows of its table: the host alone, then by rising k, then the donor alone.
    var rows: [(name: String, limit: String, mean: String, accuracy: Accuracy)] {
        let (host, donor) =
            direction == .policyIntoReference ? ("reference", "policy") : ("policy", "reference")
        return [("\(host) alone", "0", "", self.host)]
            + points.map {
                (
                    "  \(donor) in \(host)", "≤ \($0.replacementLimit)",
                    FigureFormat.fixed(2).text($0.meanReplacementCount), $0.accuracy
                )
            } + [("\(donor) alone", "all", "", self.donor)]
    }
}
