internal import Analysis
internal import ArgumentParser
internal import Rendering

extension KLReport {
    /// The report as a page.
    func page(command: String) -> ReportPage {
        ReportPage(
            kicker: "crux kl", title: "How \(policy.name) differs from \(reference.name)", summary: abstract,
            cards: cards,
            sections: sections() + [
                ReportSection(
                    "Provenance",
                    blocks: [
                        .facts(
                            policy.facts(as: "policy") + reference.facts(as: "reference") + [
                                ReportFact("text", originText), ReportFact("vocabulary", "V = \(vocabularySize)"),
                            ]), .heading("Command"), .code(command),
                    ]), ReportSection("What to keep in mind", blocks: [.notes(notes)]),
            ], footer: "crux \(Crux.configuration.version)")
    }

    private var abstract: String {
        let mean = FigureFormat.significant(3).text(summary.exactKLPolicyReference.mean)
        var text =
            "Over \(FigureFormat.count.text(summary.tokenCount)) tokens of \(FigureFormat.counted(self.text.sequenceCount, "sequence")) "
            + "the policy is \(mean) nats a token away from the reference."
        if let share = criticalShare {
            text +=
                " \(FigureFormat.percent(1).text(share.divergence)) of that lies on the critical tokens, which are "
                + "\(FigureFormat.percent(1).text(share.tokens)) of the text."
        }
        return text
    }

    /// The critical tokens' shares of the divergence and of the tokens.
    private var criticalShare: (divergence: Double, tokens: Double)? {
        guard let critical = criticalSummary else { return nil }
        let total = summary.exactKLPolicyReference.mean * Double(summary.tokenCount)
        guard total > 0 else { return nil }
        return (
            critical.exactKLPolicyReference.mean * Double(critical.tokenCount) / total,
            Double(critical.tokenCount) / Double(summary.tokenCount)
        )
    }

    /// The figures that matter most.
    var cards: [ReportCard] {
        let number = FigureFormat.significant(3)
        var cards = [
            ReportCard(
                "Mean KL(policy ‖ reference)", value: number.text(summary.exactKLPolicyReference.mean),
                detail: "nats a token, exact; the other direction \(number.text(summary.exactKLReferencePolicy.mean))"),
            ReportCard(
                "Same likeliest token", value: FigureFormat.percent(1).text(summary.topAgreement),
                detail: "of \(FigureFormat.count.text(summary.tokenCount)) tokens"),
        ]
        if let share = criticalShare {
            cards.append(
                ReportCard(
                    "Share on critical tokens", value: FigureFormat.percent(1).text(share.divergence),
                    detail: "of the divergence, on \(FigureFormat.percent(1).text(share.tokens)) of the tokens"))
        }
        let outcomes = sequences.compactMap(\.outcome)
        if !outcomes.isEmpty {
            let right = outcomes.count { $0 == "correct" }
            cards.append(
                ReportCard(
                    "Right answers", value: FigureFormat.percent(1).text(Double(right) / Double(outcomes.count)),
                    detail: "\(right) of \(outcomes.count) by the policy"))
        } else {
            cards.append(
                ReportCard(
                    "Mean entropy", value: number.text(summary.meanPolicyEntropy),
                    detail: "nats, of the policy; the reference's is \(number.text(summary.meanReferenceEntropy))"))
        }
        return cards
    }

    /// The comparison as sections of any page.
    ///
    /// - Parameter sequenceCount: How many sequences are shown token by token.
    func sections(sequenceCount: Int = 20) -> [ReportSection] {
        var sections: [ReportSection] = []
        if !sequences.isEmpty {
            let shown = min(sequenceCount, sequences.count)
            let which =
                shown < sequences.count
                ? "The first \(shown) of \(FigureFormat.count.text(sequences.count)) sequences. " : ""
            sections.append(
                ReportSection(
                    "Token by token",
                    introduction: which
                        + "Each token is coloured by how far the two models' distributions are apart there. "
                        + "Rest on one for its figures; with the keyboard, the arrow keys move through a text.",
                    blocks: [.tokens(heat(sequenceCount: shown))]))
        }
        if !mostShifted.isEmpty {
            sections.append(
                ReportSection(
                    "The most shifted tokens",
                    introduction:
                        "Where KL(policy ‖ reference) is greatest, with the probability that each model gives to the "
                        + "token that was written and the token that it finds likeliest.",
                    blocks: [.table(shiftedTable)]))
        }
        sections.append(
            ReportSection(
                "All tokens together",
                introduction:
                    "Means over tokens, in nats. k1, k2 and k3 are Schulman's estimates of KL(policy ‖ reference) "
                    + "from the written token alone.", blocks: distributionBlocks + [.table(summaryTable)]))
        return sections
    }

    private var distributionBlocks: [ReportBlock] {
        let values = sequences.flatMap { $0.tokens.map { Double($0.exactKLPolicyReference) } }.filter { $0 > 0 }
        guard values.count > 20, let greatest = values.max() else { return [] }
        // Six orders of magnitude: what is less is the rounding of floats.
        return [
            .figure(
                Rendering.Histogram(
                    title: "Per-token KL(policy ‖ reference)", valueLabel: "nats, logarithmic",
                    values: values.filter { $0 >= greatest * 1e-6 }, binCount: 36, countLabel: "tokens",
                    scale: .logarithmic),
                caption: "The tail on the right holds the tokens where the behaviour changed most.")
        ]
    }

    private var summaryTable: ReportTable {
        let groups = summaries
        let number = FigureFormat.significant(3)
        func row(_ name: String, _ value: (KLSummary) -> Double, _ format: FigureFormat? = nil) -> [ReportTable.Cell] {
            [.init(name)] + groups.map { .init(value($0.summary), format ?? number) }
        }
        return ReportTable(
            columns: [.init("")] + groups.map { .init($0.name, .right) },
            rows: [
                row("tokens", { Double($0.tokenCount) }, .count),
                row("mean KL(policy ‖ reference)", \.exactKLPolicyReference.mean),
                row("median", \.exactKLPolicyReference.median),
                row("90th percentile", \.exactKLPolicyReference.p90),
                row("95th percentile", \.exactKLPolicyReference.p95),
                row("99th percentile", \.exactKLPolicyReference.p99),
                row("99.9th percentile", \.exactKLPolicyReference.p99_9),
                row("maximum", \.exactKLPolicyReference.maximum),
                row("mean KL(reference ‖ policy)", \.exactKLReferencePolicy.mean),
                row("mean k1 estimate", \.meanK1Estimate),
                row("mean k2 estimate", \.meanK2Estimate), row("mean k3 estimate", \.meanK3Estimate),
                row("mean entropy of the policy", \.meanPolicyEntropy),
                row("mean entropy of the reference", \.meanReferenceEntropy),
                row("mean certainty J(s)", \.meanCertainty),
                row("mean penalty weight", \.meanPenaltyWeight),
                row("same likeliest token", \.topAgreement, .percent(1)),
            ])
    }

    private var shiftedTable: ReportTable {
        let greatest = mostShifted.first.map { Double($0.token.exactKLPolicyReference) } ?? 0
        var table = ReportTable(
            columns: [
                .init("KL(policy ‖ reference)", .right), .init("before", .right, isCode: true),
                .init("token", isCode: true), .init("after", isCode: true), .init("policy", isCode: true),
                .init("reference", isCode: true),
            ], rows: [], isSortable: mostShifted.count > 1)
        if mostShifted.contains(where: { $0.token.critical != nil }) { table.columns.append(.init("critical")) }
        table.rows = mostShifted.map { shifted in
            let token = shifted.token
            let value = Double(token.exactKLPolicyReference)
            return [
                .init(value, .significant(3), bar: greatest > 0 ? value / greatest : nil),
                .init(TerminalText.visible(shifted.left), tone: .faint),
                .init(TerminalText.visible(token.text), tone: .strong),
                .init(TerminalText.visible(shifted.right), tone: .faint),
                .init("\(Self.probability(token.policyLogProb)), top \(TerminalText.visible(token.policyTop))"),
                .init("\(Self.probability(token.referenceLogProb)), top \(TerminalText.visible(token.referenceTop))"),
                .init(token.critical?.name ?? ""),
            ]
        }
        return table
    }

    private var notes: [String] {
        var notes = [
            "KL names its direction: KL(policy ‖ reference) is the mean, over what the policy would write, of its "
                + "log-probability less the reference's. Both directions are exact over the whole vocabulary.",
            "The tokens were compared at temperature \(Self.setting(temperature)); another temperature gives other figures.",
        ]
        if text.kind == .task {
            notes.append(
                "The text is the policy's own, sampled with one seed: \(FigureFormat.counted(text.sequenceCount, "answer")). What the reference would "
                    + "have written, and where it would have gone astray, is not in it.")
            if let digits = text.trainedDigits {
                notes.append(
                    "Critical tokens are those where a step copies an element beyond the \(digits) digits that "
                        + "pre-training is taken to have shown, as long as the copy has been right so far.")
            }
        } else {
            notes.append("Both models only read the text; the k estimates assume text that the policy wrote.")
        }
        if penalty.beta != nil {
            notes.append(
                "The penalty weight is J(s)^β with the certainty \(penalty.certainty); β does not carry over from one "
                    + "certainty to another.")
        }
        return notes
    }
}
