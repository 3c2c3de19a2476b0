internal import Analysis
internal import ArgumentParser
internal import Experiments
internal import Foundation
internal import Rendering
internal import SystemPackage

extension RunReport {
    /// The report as a page.
    ///
    /// - Parameters:
    ///   - command: The command line that made it.
    ///   - limit: How many tensors the charts and the open tables show.
    func page(command: String, limit: Int) -> ReportPage {
        var sections = [overviewSection, curvesSection].compactMap(\.self)
        if let kl { sections += kl.sections() }
        sections += weightSections(limit: limit)
        sections += [gapSection, provenanceSection(command: command)].compactMap(\.self)
        sections.append(
            ReportSection("What to keep in mind", blocks: [.notes((kl?.notes ?? []) + WeightDiff.notes)]))
        return ReportPage(
            kicker: "crux report", title: "What RL changed in \(folderName)", summary: summary,
            cards: (kl?.cards ?? []) + (diffs.last?.cards.prefix(2) ?? []), sections: sections,
            footer: "crux \(Crux.configuration.version)")
    }

    /// The folder's own name, also where it was given as `.`.
    private var folderName: String {
        let path = FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(folder)).lexicallyNormalized()
        return path.lastComponent?.string ?? folder
    }

    private var summary: String {
        let policies = diffs.count == 1 ? "One policy" : "\(FigureFormat.count.text(diffs.count)) policies"
        var text = "\(policies) against \(reference.name)."
        if let kl { text += " " + kl.abstract }
        if let weights = diffs.last?.weights {
            text +=
                " The weights moved by \(FigureFormat.significant(3).text(weights.shownRelativeChange)) of their norm; "
                + "\(FigureFormat.percent(1).text(weights.changedBitwise.share)) of them changed at all."
        }
        return text
    }

    // MARK: Sections

    /// Weights and behaviour of each policy in one row, and how the one goes with the other.
    private var overviewSection: ReportSection? {
        guard diffs.count > 1 else { return nil }
        let rows = diffs.map { diff -> [ReportTable.Cell] in
            let behaviour = kl?.policies.first { $0.policy.path == diff.policy.path }
            return [
                .init(diff.policy.name), .init(diff.policy.step.map(Double.init), .count),
                .init(diff.weights?.shownRelativeChange, .significant(3)),
                .init(diff.weights?.changedBeyondRelative.share, .percent(1)),
                .init(behaviour?.summary.exactKLPolicyReference.mean, .significant(3)),
                .init(behaviour?.summary(of: "critical")?.exactKLPolicyReference.mean, .significant(3)),
                .init(behaviour?.summary.topAgreement.mean, .percent(1)), .init(behaviour?.successRate, .percent(1)),
            ]
        }
        return ReportSection(
            "The policies",
            introduction: "How far each moved from the reference, in its weights and in what it writes.",
            blocks: [
                .table(
                    ReportTable(
                        columns: [
                            .init("policy", isCode: true), .init("step", .right), .init("‖Δ‖ / ‖base‖", .right),
                            .init("elements changed", .right), .init("mean KL", .right), .init("KL, critical", .right),
                            .init("same top token", .right), .init("right answers", .right),
                        ], rows: rows, isSortable: true))
            ])
    }

    /// The figures that are drawn: a title, the figures of the metrics and their axis.
    private static let charts: [(title: String, figure: String, label: String, format: FigureFormat)] = [
        ("Success while practising", "success_rate", "share of right answers", .percent(0)),
        ("KL(policy ‖ reference)", "kl_policy_reference_exact", "nats a token, exact", .significant(2)),
        ("The right token at critical commas", "critical_comma_probability", "probability", .significant(2)),
        ("The right token at critical digits", "critical_digit_probability", "probability", .significant(2)),
        ("Entropy of the policy", "entropy", "nats a token", .significant(2)),
        ("Mean weight of the penalty", "penalty_weight", "J(s)^β, 1 for standard", .significant(2)),
        ("The critic's mean value", "value_mean", "reward", .significant(2)),
        ("The critic's loss", "loss_value", "mean squared error", .significant(2)),
        ("Norm of the gradient", "gradient_norm", "‖g‖", .significant(2)),
        ("Loss", "loss", "nats a token", .significant(3)),
    ]

    private var curvesSection: ReportSection? {
        let charts = Self.charts.compactMap { chart -> LineChart? in
            let series = curves.enumerated().flatMap { index, curve -> [LineChart.Series] in
                let points = curve.history.points(of: chart.figure).map {
                    LineChart.Point(x: Double($0.step), y: $0.value)
                }
                guard points.count > 1 else { return [] }
                let name = curves.count > 1 ? curve.name : ""
                // Few points need no smoothing.
                guard points.count > 20 else { return [.init(name, points: points, colour: index)] }
                return [
                    .init("", points: points, stroke: .faint, colour: index),
                    .init(
                        name.isEmpty ? "smoothed" : "\(name), smoothed",
                        points: LineChart.smoothed(points, halfLife: 5), colour: index),
                ]
            }
            return series.isEmpty
                ? nil
                : LineChart(
                    title: chart.title, xLabel: "update", yLabel: chart.label, series: series, yFormat: chart.format)
        }
        guard !charts.isEmpty else { return nil }
        return ReportSection(
            "Learning curves",
            introduction: "As training measured them at every update, on what the policy wrote then.",
            blocks: stride(from: 0, to: charts.count, by: 2).map {
                .figures(Array(charts[$0..<min($0 + 2, charts.count)]))
            })
    }

    private func weightSections(limit: Int) -> [ReportSection] {
        guard diffs.count > 1 else { return diffs.first?.weightSections(limit: limit) ?? [] }
        return [
            ReportSection(
                "Where the weights moved",
                introduction: "Δ is policy − reference. Norms run over all elements that have a number on both sides.",
                blocks: [
                    .steps(
                        label: "Policy",
                        diffs.map { diff in
                            ReportStep(
                                diff.policy.stepName,
                                diff.hasSameTensors
                                    ? [.paragraph("The weights are the same, bit for bit.")]
                                    : diff.weightSections(limit: limit).enumerated().flatMap { index, section in
                                        (index == 0 ? [] : [.heading(section.title)]) + section.blocks
                                    })
                        })
                ])
        ]
    }

    private var gapSection: ReportSection? {
        let lines = gaps + leftOut.map { "\($0.path): \($0.reason)" }
        guard !lines.isEmpty else { return nil }
        return ReportSection(
            "Left out", introduction: "What of the folder is not part of this page, and why.", blocks: [.notes(lines)])
    }

    private func provenanceSection(command: String) -> ReportSection {
        ReportSection(
            "Provenance",
            blocks: [
                .facts(
                    reference.facts(as: "reference")
                        + diffs.enumerated().flatMap { index, diff in
                            diff.policy.facts(as: diffs.count > 1 ? "policy \(index + 1)" : "policy")
                        } + curves.map { ReportFact("curves", $0.path, isCode: true) }
                        + (kl.map { [ReportFact("text", $0.originText)] } ?? [])), .heading("Command"), .code(command),
            ])
    }
}

extension RunReport.Curve {
    /// The file's name.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}

extension RunReport {
    /// The report for a terminal: a row for each policy, and what is left out.
    func text(style: TerminalStyle) -> String {
        let number = FigureFormat.significant(3)
        let table = TextTable(
            columns: [
                .init("policy", truncation: .start), .init("step", .right), .init("‖Δ‖ / ‖base‖", .right),
                .init("bits changed", .right), .init("mean KL", .right), .init("KL, critical", .right),
                .init("same top", .right), .init("right", .right),
            ],
            rows: diffs.map { diff in
                let behaviour = kl?.policies.first { $0.policy.path == diff.policy.path }
                return [
                    .init(diff.policy.path), .init(FigureFormat.count.text(diff.policy.step.map(Double.init))),
                    .init(number.text(diff.weights?.shownRelativeChange)),
                    .init(FigureFormat.percent(1).text(diff.weights?.changedBitwise.share)),
                    .init(behaviour?.summary.exactKLPolicyReference.estimate.text(number) ?? FigureFormat.missing),
                    .init(number.text(behaviour?.summary(of: "critical")?.exactKLPolicyReference.mean)),
                    .init(FigureFormat.percent(2).text(behaviour?.summary.topAgreement.mean)),
                    .init(FigureFormat.percent(1).text(behaviour?.successRate)),
                ]
            })
        var text = CheckpointIdentity.table([("reference", reference)]).text(style: style)
        if let kl { text += style.paint(kl.originText, .faint) + "\n" }
        text += "\n" + table.text(style: style)
        for line in gaps + leftOut.map({ "\($0.path): \($0.reason)" }) {
            text += style.paint("left out: \(TerminalText.visible(line))", .warning) + "\n"
        }
        return text
    }
}
