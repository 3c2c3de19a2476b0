internal import Analysis
internal import Rendering

extension KLReport {
    /// The report for a terminal.
    ///
    /// - Parameter sequenceCount: How many sequences are shown token by token.
    func text(style: TerminalStyle, sequenceCount: Int) -> String {
        var parts = [
            CheckpointIdentity.table([("policy", policy), ("reference", reference)]).text(style: style)
                + style.paint(originText, .faint) + "\n",
            summaryTable.text(style: style),
        ]
        if !mostShifted.isEmpty { parts.append(shiftedTable.text(style: style)) }
        if sequenceCount > 0, !sequences.isEmpty {
            parts.append(
                style.paint("Tokens by KL(policy ‖ reference); ^ marks critical ones", .faint) + "\n\n"
                    + heat(sequenceCount: sequenceCount).terminalText(style: style))
        }
        return parts.joined(separator: "\n")
    }

    /// Where the text comes from and how it was compared.
    var originText: String {
        var parts = [text.name, FigureFormat.counted(text.sequenceCount, "sequence")]
        if let seed = text.seed { parts.append("seed \(seed)") }
        if let sampling = text.samplingTemperature {
            parts.append(sampling == 0 ? "greedy" : "sampled at temperature \(Self.setting(sampling))")
        }
        parts.append("distributions at temperature \(Self.setting(temperature))")
        if let beta = penalty.beta {
            parts.append("penalty weight: \(penalty.certainty), β = \(Self.setting(beta))")
        } else {
            parts.append("standard penalty")
        }
        return parts.joined(separator: ", ")
    }

    /// The groups of tokens that are summarised.
    var summaries: [(name: String, summary: KLSummary)] {
        [("all", summary)]
            + [("critical", criticalSummary), ("others", nonCriticalSummary)].compactMap { name, summary in
                summary.map { (name, $0) }
            }
    }

    private var summaryTable: TextTable {
        let number = FigureFormat.significant(3)
        let groups = summaries
        func row(_ name: String, _ value: (KLSummary) -> String) -> [TextTable.Cell] {
            [.init(name)] + groups.map { .init(value($0.summary)) }
        }
        return TextTable(
            columns: [.init("tokens, in nats")] + groups.map { .init($0.name, .right) },
            rows: [
                row("count") { FigureFormat.count.text($0.tokenCount) },
                row("mean KL(policy ‖ reference)") { number.text($0.exactKLPolicyReference.mean) },
                row("  median") { number.text($0.exactKLPolicyReference.median) },
                row("  90th percentile") { number.text($0.exactKLPolicyReference.p90) },
                row("  95th percentile") { number.text($0.exactKLPolicyReference.p95) },
                row("  99th percentile") { number.text($0.exactKLPolicyReference.p99) },
                row("  99.9th percentile") { number.text($0.exactKLPolicyReference.p99_9) },
                row("  maximum") { number.text($0.exactKLPolicyReference.maximum) },
                row("mean KL(reference ‖ policy)") { number.text($0.exactKLReferencePolicy.mean) },
                row("mean k1 estimate") { number.text($0.meanK1Estimate) },
                row("mean k2 estimate") { number.text($0.meanK2Estimate) },
                row("mean k3 estimate") { number.text($0.meanK3Estimate) },
                row("mean entropy, policy") { number.text($0.meanPolicyEntropy) },
                row("mean entropy, reference") { number.text($0.meanReferenceEntropy) },
                row("mean certainty J(s)") { number.text($0.meanCertainty) },
                row("mean penalty weight") { number.text($0.meanPenaltyWeight) },
                row("same likeliest token") { FigureFormat.percent(1).text($0.topAgreement) },
            ])
    }

    private var shiftedTable: TextTable {
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
                .init(FigureFormat.significant(3).text(Double(token.exactKLPolicyReference))),
                .init("\(shifted.sequence + 1)"), .init("\(token.position)"), .init(shifted.left, .faint),
                .init(token.text, .strong), .init(shifted.right, .faint),
                .init("\(Self.probability(token.policyLogProb)) (top \(token.policyTop))"),
                .init("\(Self.probability(token.referenceLogProb)) (top \(token.referenceTop))"),
                .init(token.critical?.name ?? ""),
            ]
        }
        return table
    }

    /// A number of the settings.
    static func setting(_ value: Float) -> String { FigureFormat.significant(4).trimmedText(Double(value)) }

    /// A log-probability as a probability.
    static func probability(_ logProb: Float) -> String {
        FigureFormat.significant(2).text(Double(logProb).exponential)
    }
}
