internal import Analysis
internal import ArgumentParser
internal import Rendering
internal import Tasks

extension KLReport {
    /// The report as a page.
    func page(command: String) -> ReportPage {
        ReportPage(
            kicker: "crux kl", title: title, summary: abstract, cards: cards,
            sections: sections() + [
                ReportSection(
                    "Provenance",
                    blocks: [
                        .facts(
                            reference.facts(as: "reference")
                                + policies.enumerated().flatMap { index, policy in
                                    policy.policy.facts(as: policies.count > 1 ? "policy \(index + 1)" : "policy")
                                } + [
                                    ReportFact("text", originText), ReportFact("vocabulary", "V = \(vocabularySize)"),
                                ]), .heading("Command"), .code(command),
                    ]), ReportSection("What to keep in mind", blocks: [.notes(notes)]),
            ], footer: "crux \(Crux.configuration.version)")
    }

    private var title: String {
        guard let first = policies.first else { return reference.name }
        return policies.count == 1
            ? "How \(first.policy.name) differs from \(reference.name)"
            : "How \(policies.count) policies differ from \(reference.name)"
    }

    /// The report in a sentence or two.
    var abstract: String {
        guard let last = policies.last else { return "" }
        let mean = FigureFormat.significant(3).text(last.summary.exactKLPolicyReference.mean)
        var text =
            "Over \(FigureFormat.count.text(last.summary.tokenCount)) tokens of "
            + "\(FigureFormat.counted(last.sequenceCount, "sequence")), \(self.text.source.words(temperature: temperature)), "
            + "\(policies.count > 1 ? "the last policy" : "the policy") is \(mean) nats a token away from the reference."
        if let share = last.criticalShare {
            text +=
                " \(FigureFormat.percent(1).text(share.divergence)) of that lies on the critical tokens, which are "
                + "\(FigureFormat.percent(1).text(share.tokens)) of the text."
        }
        return text
    }

    /// The figures that matter most, of the last policy.
    var cards: [ReportCard] {
        guard let last = policies.last else { return [] }
        let number = FigureFormat.significant(3)
        let summary = last.summary
        func trend(_ value: (PolicyDivergence) -> Double?) -> [Double] {
            policies.count > 2 ? policies.map { value($0) ?? .nan } : []
        }
        var cards = [
            ReportCard(
                "Mean KL(policy ‖ reference)", value: number.text(summary.exactKLPolicyReference.mean),
                detail: "nats a token, exact; the other direction \(number.text(summary.exactKLReferencePolicy.mean))",
                trend: trend { $0.summary.exactKLPolicyReference.mean }),
            ReportCard(
                "Same likeliest token", value: FigureFormat.percent(1).text(summary.topAgreement.mean),
                detail: "of \(FigureFormat.count.text(summary.tokenCount)) tokens",
                trend: trend { $0.summary.topAgreement.mean }),
        ]
        if let share = last.criticalShare {
            cards.append(
                ReportCard(
                    "Share on critical tokens", value: FigureFormat.percent(1).text(share.divergence),
                    detail: "of the divergence, on \(FigureFormat.percent(1).text(share.tokens)) of the tokens",
                    trend: trend { $0.criticalShare?.divergence }))
        }
        if let answers = last.answers, text.source != .truth {
            cards.append(
                ReportCard(
                    "Right answers", value: FigureFormat.percent(1).text(last.successRate),
                    detail: "\(answers.correct) of \(answers.total)", trend: trend { $0.successRate }))
        } else {
            cards.append(
                ReportCard(
                    "Perplexity ratio", value: FigureFormat.significant(4).text(summary.perplexity.ratio.mean),
                    detail: "policy \(number.text(summary.perplexity.policy.mean)), "
                        + "reference \(number.text(summary.perplexity.reference.mean))",
                    trend: trend { $0.summary.perplexity.ratio.mean }))
        }
        return cards
    }

    /// The comparison as sections of any page.
    ///
    /// - Parameter sequenceCount: How many sequences are shown token by token, of all policies together.
    func sections(sequenceCount: Int = 200) -> [ReportSection] {
        [seriesSection, tokenSection(sequenceCount: sequenceCount), shiftedSection, groupSection, crossSection]
            .compactMap(\.self) + [statisticsSection]
    }

    // MARK: Sections

    private func steps(_ blocks: (PolicyDivergence) -> [ReportBlock]) -> [ReportBlock] {
        guard policies.count > 1 else { return policies.first.map(blocks) ?? [] }
        return [
            .steps(
                label: "Policy",
                policies.map { ReportStep($0.policy.stepName, blocks($0)) })
        ]
    }

    /// Whether every policy says a step of its own; else the series counts policies.
    private var hasSteps: Bool {
        let steps = policies.compactMap(\.policy.step)
        return steps.count == policies.count && Set(steps).count == steps.count
    }

    private var seriesSection: ReportSection? {
        guard policies.count > 1 else { return nil }
        func points(_ value: (PolicyDivergence) -> Double?) -> [LineChart.Point] {
            policies.enumerated().compactMap { index, policy in
                value(policy).map { LineChart.Point(x: Double(hasSteps ? policy.policy.step ?? 0 : index + 1), y: $0) }
            }.sorted { $0.x < $1.x }
        }
        func chart(
            _ title: String, _ label: String, _ format: FigureFormat,
            _ series: [(String, (PolicyDivergence) -> Double?)]
        ) -> LineChart {
            LineChart(
                title: title, xLabel: hasSteps ? "training step" : "policy", yLabel: label,
                series: series.map { LineChart.Series($0.0, points: points($0.1)) }.filter { !$0.points.isEmpty },
                yFormat: format)
        }
        let kl = chart(
            "Mean KL(policy ‖ reference)", "nats a token", .significant(2),
            [
                ("all tokens", \.summary.exactKLPolicyReference.mean),
                ("critical tokens", { $0.summary(of: "critical")?.exactKLPolicyReference.mean }),
            ])
        let agreement = chart(
            "Agreement and success", "share", .percent(1),
            [("same likeliest token", \.summary.topAgreement.mean), ("right answers", \.successRate)])
        return ReportSection(
            "Over the checkpoints",
            introduction: "Every policy against the same reference, on the same prompts.",
            blocks: [
                .figures([kl, agreement]),
                .table(
                    ReportTable(
                        columns: [.init("policy", isCode: true)] + SeriesFigure.all.map { .init($0.title, .right) },
                        rows: policies.map { policy in
                            [.init(policy.policy.name)]
                                + SeriesFigure.all.map { .init($0.text(policy), sortKey: $0.value(policy)) }
                        }, isSortable: true)),
            ])
    }

    private func tokenSection(sequenceCount: Int) -> ReportSection? {
        guard policies.contains(where: { !$0.sequences.isEmpty }) else { return nil }
        let each = max(1, sequenceCount / max(1, policies.count))
        let longest = policies.map(\.sequences.count).max() ?? 0
        let which =
            each < longest ? "The first \(each) of \(FigureFormat.count.text(longest)) sequences. " : ""
        return ReportSection(
            "Token by token",
            introduction: which
                + "Each token is coloured by how far the two models' distributions are apart there. Rest on one for its "
                + "figures; with the keyboard, the arrow keys move through a text.",
            blocks: steps { policy in
                [.tokens(policy.heat(sequenceCount: each, isTask: text.kind == .task))]
            })
    }

    private var shiftedSection: ReportSection? {
        guard policies.contains(where: { !$0.mostShifted.isEmpty }) else { return nil }
        return ReportSection(
            "The most shifted tokens",
            introduction:
                "Where KL(policy ‖ reference) is greatest, with the probability that each model gives to the token that "
                + "was written and the token that it finds likeliest.",
            blocks: steps { [.table($0.shiftedReportTable)] })
    }

    private var groupSection: ReportSection? {
        guard policies.contains(where: { !$0.classes.isEmpty || $0.positions.count > 1 }) else { return nil }
        return ReportSection(
            "Where in the text",
            introduction: "Mean KL(policy ‖ reference) by class of token and by position, with standard errors.",
            blocks: steps { policy in
                var blocks: [ReportBlock] = []
                if policy.positions.count > 1 { blocks.append(.figure(policy.positionChart(text.kind))) }
                if !policy.classes.isEmpty { blocks.append(.table(policy.classReportTable)) }
                return blocks
            })
    }

    private var crossSection: ReportSection? {
        guard policies.contains(where: { $0.crossSampling != nil }) else { return nil }
        return ReportSection(
            "Cross-sampling",
            introduction:
                "One model answers greedily; its k most shifted tokens, where the other would write something else, are "
                + "replaced by the other's choice, and the first goes on from there. Bootstrap 95 % intervals.",
            blocks: steps { policy in
                guard let results = policy.crossSampling else { return [] }
                return [
                    .figure(CrossSampling.chart(results)),
                    .table(
                        ReportTable(
                            columns: [
                                .init(""), .init("replaced", .right), .init("on average", .right),
                                .init("right answers", .right),
                            ],
                            rows: results.flatMap { result in
                                result.rows.map {
                                    [
                                        .init($0.name), .init($0.limit), .init($0.mean),
                                        .init($0.accuracy.text, sortKey: $0.accuracy.mean),
                                    ]
                                }
                            })),
                ]
            })
    }

    private var statisticsSection: ReportSection {
        ReportSection(
            "All tokens together",
            introduction:
                "In nats; ± is the standard error with tokens taken as independent. k1, k2 and k3 are Schulman's estimates "
                + "of KL(policy ‖ reference) from the written token alone; Δp is the written token's probability under the "
                + "policy less that under the reference.",
            blocks: steps { policy in policy.histogram.map { [.figure($0)] } ?? [] } + [
                .table(
                    ReportTable(
                        columns: [.init("")]
                            + policies.map { .init(policies.count > 1 ? $0.policy.name : "value", .right) },
                        rows: StatisticsRow.all.map { row in
                            [.init(row.name, tone: row.isHeading ? .strong : .plain)]
                                + policies.map { .init(row.text($0)) }
                        }))
            ])
    }

    /// What a reader must know to take the figures for what they are.
    var notes: [String] {
        var notes = [
            "KL names its direction: KL(policy ‖ reference) is the mean, over what the policy would write, of its "
                + "log-probability less the reference's. Both directions are exact over the whole vocabulary, in double "
                + "precision from the models' logits.",
            "The tokens were compared at temperature \(Self.setting(temperature)); another temperature gives other figures.",
            "Text compared: \(text.source.words(temperature: temperature)). Another text gives other figures: what a model "
                + "would not write is not in its own text.",
        ]
        notes += warnings
        if let digits = text.trainedDigits {
            notes.append(
                "Critical tokens are those where a step copies an element beyond the \(digits) digits that pre-training is "
                    + "taken to have shown, as long as the copy has been right so far.")
        }
        if text.source != .policySamples {
            notes.append("The k estimates assume text that the policy sampled, which this is not.")
        }
        notes.append(
            "The penalty weight is J(s)^β with β = \(Self.setting(beta)); β does not carry over from one certainty to the "
                + "other.")
        return notes
    }
}

extension PolicyDivergence {
    /// The critical tokens' shares of the divergence and of the tokens.
    var criticalShare: (divergence: Double, tokens: Double)? {
        guard let critical = classes.first(where: { $0.name == "critical" }) else { return nil }
        return (critical.klShare, Double(critical.summary.tokenCount) / Double(summary.tokenCount))
    }

    fileprivate var histogram: Rendering.Histogram? {
        let values = sequences.flatMap { $0.tokens.map(\.exactKLPolicyReference) }.filter { $0 > 0 }
        guard values.count > 20, let greatest = values.max() else { return nil }
        // Six orders of magnitude: what is less is the rounding of the models' floats.
        return Rendering.Histogram(
            title: "Per-token KL(policy ‖ reference)", valueLabel: "nats, logarithmic",
            values: values.filter { $0 >= greatest * 1e-6 }, binCount: 36, countLabel: "tokens", scale: .logarithmic)
    }

    fileprivate func positionChart(_ kind: TextOrigin.Kind) -> LineChart {
        LineChart(
            title: "By position",
            xLabel: kind == .text ? "position in the window" : "tokens after the prompt", yLabel: "nats a token",
            series: [
                LineChart.Series(
                    "KL(policy ‖ reference)",
                    points: positions.map { range in
                        let estimate = range.exactKLPolicyReference
                        let error = estimate.standardError ?? 0
                        return LineChart.Point(
                            x: Double(range.first + range.last) / 2, y: estimate.mean,
                            interval: error.isFinite && error > 0
                                ? max(0, estimate.mean - error)...(estimate.mean + error) : nil)
                    })
            ], yFormat: .significant(2))
    }

    fileprivate var classReportTable: ReportTable {
        let greatest = classes.map(\.summary.exactKLPolicyReference.mean).filter(\.isFinite).max() ?? 0
        return ReportTable(
            caption: "By class of token",
            columns: [
                .init("told apart by"), .init("class"), .init("tokens", .right), .init("share of KL", .right),
                .init("mean KL", .right), .init("99 %", .right), .init("maximum", .right), .init("same top", .right),
                .init("mean Δp", .right),
            ],
            rows: TokenClassSummary.Group.allCases.flatMap { group in
                classes.filter { $0.group == group }.map { tokens in
                    let kl = tokens.summary.exactKLPolicyReference
                    return [
                        .init(group.words, tone: .faint), .init(tokens.name),
                        .init(Double(tokens.summary.tokenCount), .count), .init(tokens.klShare, .percent(1)),
                        .init(
                            kl.estimate.text(.significant(3)), sortKey: kl.mean,
                            bar: greatest > 0 ? kl.mean / greatest : nil),
                        .init(kl.p99, .significant(3)), .init(kl.maximum, .significant(3)),
                        .init(tokens.summary.topAgreement.mean, .percent(1)),
                        .init(tokens.summary.probabilityChange.mean, .percent(2)),
                    ]
                }
            }, isSortable: true)
    }

    fileprivate var shiftedReportTable: ReportTable {
        let greatest = mostShifted.first.map(\.token.exactKLPolicyReference) ?? 0
        var table = ReportTable(
            columns: [
                .init("KL(policy ‖ reference)", .right), .init("before", .right, isCode: true),
                .init("token", isCode: true), .init("after", isCode: true), .init("policy", isCode: true),
                .init("reference", isCode: true),
            ], rows: [], isSortable: mostShifted.count > 1)
        let hasCritical = mostShifted.contains { $0.token.critical != nil }
        if hasCritical { table.columns.append(.init("critical")) }
        table.rows = mostShifted.map { shifted in
            let token = shifted.token
            let value = token.exactKLPolicyReference
            return [
                .init(value, .significant(3), bar: greatest > 0 ? value / greatest : nil),
                .init(TerminalText.visible(shifted.left), tone: .faint),
                .init(TerminalText.visible(token.text), tone: .strong),
                .init(TerminalText.visible(shifted.right), tone: .faint),
                .init("\(KLReport.probability(token.policyLogProb)), top \(TerminalText.visible(token.policyTop))"),
                .init(
                    "\(KLReport.probability(token.referenceLogProb)), top \(TerminalText.visible(token.referenceTop))"),
                .init(token.critical?.name ?? ""),
            ]
        }
        return table
    }
}

extension TokenClassSummary.Group {
    /// What tokens are told apart by, in words.
    var words: String {
        switch self {
        case .criticality: "critical or not"
        case .character: "character"
        case .part: "part of the scratchpad"
        case .step: "step"
        }
    }
}

extension CrossSampling {
    /// The success by the number of replaced tokens.
    static func chart(_ results: [CrossSampling]) -> LineChart {
        LineChart(
            title: "Success by the number of replaced tokens", xLabel: "tokens replaced at most",
            yLabel: "right answers",
            series: results.map { result in
                LineChart.Series(
                    result.direction == .policyIntoReference
                        ? "policy's tokens in the reference's answers" : "reference's tokens in the policy's answers",
                    points: ([(0, result.host)] + result.points.map { ($0.replacementLimit, $0.accuracy) }).map {
                        LineChart.Point(
                            x: Double($0.0), y: $0.1.mean,
                            interval: $0.1.lowerBound...max($0.1.lowerBound, $0.1.upperBound))
                    })
            },
            marks: results.map { result in
                LineChart.Mark(
                    y: result.host.mean,
                    label: result.direction == .policyIntoReference ? "reference alone" : "policy alone")
            }, yRange: 0...1, yFormat: .percent(0))
    }
}
