internal import ArgumentParser
internal import Analysis
internal import Experiments
internal import Rendering
internal import Tasks
internal import Training

extension QuickExperiment.Outcome {
    /// The experiment as a page.
    func page(command: String, seconds: Double) -> ReportPage {
        var sections = [comparisonSection, curvesSection]
        if let divergence = divergences[.prioritised] ?? divergences[.standard] {
            sections += divergence.sections(sequenceCount: 6)
        }
        if let diff = diffs[.prioritised] ?? diffs[.standard] { sections += diff.weightSections(limit: 12) }
        sections += [runsSection, liveSection, provenanceSection(command: command), notesSection]
        return ReportPage(
            kicker: "crux experiment quick", title: "What RL changed", summary: summary, cards: cards,
            sections: sections,
            footer: "crux \(Crux.configuration.version), \(FigureFormat.duration.text(seconds))")
    }

    private var digits: Int { result.reference.trainedDigits }

    private var summary: String {
        let seeds = FigureFormat.counted(result.runs(of: .standard).count, "seed")
        return
            "A GPT of \(FigureFormat.count.text(result.reference.parameterCount)) parameters was pre-trained on additions "
            + "of up to \(digits) digits with a scratchpad, then fine-tuned with RL (A2C) on \(digits + 1) digits: under "
            + "the standard KL penalty, and under the penalty weighted by the pre-trained model's certainty "
            + "(arXiv 2502.06533), \(seeds) each."
    }

    private func comparison(_ prefix: String) -> QuickExperimentResult.Comparison? {
        result.comparisons.first { $0.figure.hasPrefix(prefix) }
    }

    private var cards: [ReportCard] {
        var cards: [ReportCard] = []
        if let inside = result.reference.accuracies.inside, let beyond = result.reference.accuracies.beyond {
            cards.append(
                ReportCard(
                    "Pre-trained, up to \(digits) digits", value: FigureFormat.percent(1).text(inside.mean),
                    detail: "greedy, \(inside.text)"))
            cards.append(
                ReportCard(
                    "Pre-trained, \(digits + 1) digits", value: FigureFormat.percent(1).text(beyond.mean),
                    detail: "before RL, \(beyond.text)"))
        }
        if let accuracy = comparison("accuracy on N+1 digits, varying") {
            for (arm, interval) in [(PenaltyKind.standard, accuracy.standard), (.prioritised, accuracy.prioritised)] {
                cards.append(
                    ReportCard(
                        "After RL, \(arm.rawValue) penalty", value: FigureFormat.percent(1).text(interval.mean),
                        detail: "\(digits + 1) digits, mean of \(FigureFormat.counted(interval.count, "seed")), "
                            + interval.text(.share),
                        trend: meanCurve("success_rate", arm).map(\.y)))
            }
        }
        return cards
    }

    // MARK: Sections

    private var comparisonSection: ReportSection {
        let table = ReportTable(
            caption: "Means over seeds with Student's 95 % intervals; the difference is taken seed by seed",
            columns: [
                .init("figure"), .init("standard", .right), .init("prioritised", .right),
                .init("prioritised − standard", .right), .init("verdict"),
            ],
            rows: result.comparisons.map { row in
                [
                    .init(row.figure), .init(row.standard.text(row.unit)), .init(row.prioritised.text(row.unit)),
                    .init(row.difference.text(row.unit, signed: true)),
                    .init(
                        row.difference.excludesZero ? "differs" : "no difference shown",
                        tone: row.difference.excludesZero ? .strong : .faint),
                ]
            })
        return ReportSection(
            "The two penalties", introduction: verdict, blocks: [.table(table)])
    }

    private var verdict: String {
        guard let accuracy = comparison("accuracy on N+1 digits, varying"),
            let before = result.reference.accuracies.beyond
        else { return "" }
        let gain = accuracy.standard.mean - before.mean
        let difference = accuracy.difference
        let first =
            "RL moved accuracy on \(digits + 1) digits from \(FigureFormat.percent(1).text(before.mean)) to "
            + "\(FigureFormat.percent(1).text(accuracy.standard.mean)) under the standard penalty "
            + "(\(FigureFormat.fixed(1).text(gain * 100)) points) and to "
            + "\(FigureFormat.percent(1).text(accuracy.prioritised.mean)) under the prioritised one. "
        guard difference.excludesZero else {
            return first + "With \(FigureFormat.counted(difference.count, "seed")) the difference between the two is "
                + "within what seeds alone do: this run neither shows nor refutes the paper's effect."
        }
        return first + "The paired difference, \(difference.text(.share, signed: true)), leaves out zero, "
            + (difference.mean > 0 ? "in favour of the prioritised penalty." : "in favour of the standard penalty.")
    }

    private var curvesSection: ReportSection {
        func chart(_ title: String, _ metric: String, _ label: String, _ format: FigureFormat) -> LineChart {
            LineChart(
                title: title, xLabel: "update", yLabel: label,
                series: PenaltyKind.allCases.filter { !result.runs(of: $0).isEmpty }.map { arm in
                    LineChart.Series(arm.rawValue, points: meanCurve(metric, arm))
                }, yFormat: format)
        }
        return ReportSection(
            "Learning curves",
            introduction: "Means over seeds; the bands are from the lowest to the highest seed.",
            blocks: [
                .figures([
                    chart("Success while practising", "success_rate", "share of right answers", .percent(0)),
                    chart(
                        "KL(policy ‖ reference)", "kl_policy_reference_exact", "nats a token, exact", .significant(2)),
                ]),
                .figures([
                    chart(
                        "The right token at critical commas", "critical_comma_probability", "probability",
                        .significant(2)),
                    chart(
                        "The right token at critical digits", "critical_digit_probability", "probability",
                        .significant(2)),
                ]),
                .figures([
                    chart("Entropy of the policy", "entropy", "nats a token", .significant(2)),
                    chart("Mean weight of the penalty", "penalty_weight", "J(s)^β, 1 for standard", .significant(2)),
                ]),
            ])
    }

    /// One metric of an arm's runs: the mean over seeds at each update, smoothed, with the seeds' range.
    private func meanCurve(_ metric: String, _ arm: PenaltyKind) -> [LineChart.Point] {
        let curves = result.runs(of: arm).map { run in
            LineChart.smoothed(
                run.history.points(of: metric).map { LineChart.Point(x: Double($0.step), y: $0.value) }, halfLife: 3)
        }
        guard let length = curves.map(\.count).min() else { return [] }
        return (0..<length).map { index in
            let values = curves.map { $0[index].y }
            let mean = values.reduce(0, +) / Double(values.count)
            return LineChart.Point(
                x: curves[0][index].x, y: mean, interval: (values.min() ?? mean)...(values.max() ?? mean))
        }
    }

    private var runsSection: ReportSection {
        let setups = result.reference.accuracies.cells
        func cells(_ accuracies: AdditionAccuracies) -> [ReportTable.Cell] {
            accuracies.cells.map { .init($0.accuracy.text, sortKey: $0.accuracy.mean) }
        }
        var table = ReportTable(
            caption: "Greedy exact-match accuracy, bootstrap 95 % intervals over questions",
            columns: [.init("model")] + setups.map { .init($0.setup, .right) } + [
                .init("KL, mean", .right), .init("KL, critical", .right), .init("‖Δ‖ / ‖base‖", .right),
                .init("verified"),
            ], rows: [])
        table.rows.append(
            [.init("pre-trained", tone: .strong)] + cells(result.reference.accuracies) + ["–", "–", "–", ""])
        for run in result.runs {
            table.rows.append(
                [.init("\(run.penalty.rawValue), seed \(run.seed)")] + cells(run.accuracies) + [
                    .init(run.divergence.exactKLPolicyReference.mean, .significant(2)),
                    .init(run.criticalDivergence?.exactKLPolicyReference.mean, .significant(2)),
                    .init(run.relativeWeightChange, .significant(2)),
                    .init(run.isVerified ? "every byte" : "FAILED", tone: run.isVerified ? .good : .bad),
                ])
        }
        return ReportSection(
            "Every run",
            introduction: "KL is KL(policy ‖ reference), exact, in nats a token, on what each policy writes.",
            blocks: [.table(table)])
    }

    private var liveSection: ReportSection {
        let live = result.live
        let loss = live.history.points(of: "loss").map { LineChart.Point(x: Double($0.step), y: $0.value) }
        let accuracies = live.history.records.flatMap(\.figures.keys)
            .filter {
                $0.hasPrefix("accuracy_") && !$0.hasSuffix("_low") && !$0.hasSuffix("_high")
                    && !$0.hasSuffix("_unfinished")
            }
        return ReportSection(
            "Pre-training, live",
            introduction:
                "While the reader waited, a model of \(FigureFormat.count.text(live.parameterCount)) parameters learned "
                + "additions of up to \(FigureFormat.counted(live.trainedDigits, "digit")): "
                + "\(live.accuracies.inside?.text ?? "–") greedy inside the trained lengths, "
                + "\(live.accuracies.beyond?.text ?? "–") one digit beyond.",
            blocks: [
                .figures([
                    LineChart(
                        title: "Loss", xLabel: "step", yLabel: "nats a token of the answer",
                        series: [
                            .init("", points: loss, stroke: .faint, colour: 0),
                            .init("smoothed", points: LineChart.smoothed(loss, halfLife: 10), colour: 0),
                        ], yScale: .logarithmic),
                    LineChart(
                        title: "Accuracy", xLabel: "step", yLabel: "greedy exact match",
                        series: Set(accuracies).sorted().map { name in
                            LineChart.Series(
                                name.dropFirst("accuracy_".count).replacing("_", with: " ") + " digits",
                                points: live.history.points(of: name).map {
                                    LineChart.Point(x: Double($0.step), y: $0.value)
                                })
                        }, yRange: 0...1, yFormat: .percent(0)),
                ])
            ])
    }

    private func provenanceSection(command: String) -> ReportSection {
        let sizes = result.sizes
        let saved = 1 - Double(sizes.crux) / Double(max(1, sizes.safetensors))
        return ReportSection(
            "Provenance",
            blocks: [
                .facts(
                    [
                        ReportFact("reference", result.reference.checkpoint, isCode: true),
                        ReportFact(
                            "reference, made",
                            result.reference.isFromScratch
                                ? "by this run" : "earlier, by the configuration below; --from-scratch makes it again"),
                        ReportFact("reference, weights digest", result.reference.weightsDigest, isCode: true),
                        ReportFact(
                            "reference's weights on disk",
                            "\(FigureFormat.bytes.text(sizes.crux)) as .crux, \(FigureFormat.bytes.text(sizes.safetensors)) "
                                + "as safetensors: \(FigureFormat.percent(1).text(saved)) less"),
                    ]
                        + result.runs.map {
                            ReportFact(
                                "\($0.penalty.rawValue), seed \($0.seed)", "\($0.checkpoint)  \($0.weightsDigest)",
                                isCode: true)
                        }), .heading("Command"), .code(command),
                .details(summary: "The reference's configuration", [.code(result.reference.configuration)]),
            ])
    }

    private var notesSection: ReportSection {
        ReportSection(
            "What to keep in mind",
            blocks: [
                .notes([
                    "Settings were found by trying on this task; three seeds bound an effect only roughly. Intervals over "
                        + "seeds are Student's, intervals over questions are bootstrapped, and neither holds the other's "
                        + "uncertainty.",
                    "All models answer the same questions, none of which they trained on by design; small operands can "
                        + "occur in both.",
                    "The token map and the weight maps show the prioritised run of the first seed; crux kl and crux diff "
                        + "make the same pages of any other pair.",
                    "KL was measured at the sampling temperature of the run, over text that the policy wrote.",
                ])
            ])
    }
}
