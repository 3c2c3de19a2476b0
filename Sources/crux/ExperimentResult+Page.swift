internal import ArgumentParser
internal import Experiments
internal import Rendering
internal import Tasks

extension ExperimentResult {
    /// The experiment as a page, as far as it has come.
    func page(command: String) -> ReportPage {
        let finished = runs.count { $0.isFinished }
        return ReportPage(
            kicker: "crux experiment \(experiment)", title: title,
            summary: summary
                + (finished < runs.count
                    ? " \(finished) of \(runs.count) runs are finished; the rest counts as far as it goes." : ""),
            cards: cards,
            sections: [comparisonSection, figureSection, publishedSection, curveSection, runSection]
                .compactMap(\.self) + [provenanceSection(command: command), notesSection],
            footer: "crux \(Crux.configuration.version)")
    }

    private var cards: [ReportCard] {
        guard let figure = groups.first?.figures.first?.name else { return [] }
        return groups.prefix(6).compactMap { group in
            group.figures.first { $0.name == figure }.map { value in
                ReportCard(
                    group.name, value: value.unit.text(value.value.mean) + value.unit.suffix(signed: false),
                    detail: "\(figure), \(FigureFormat.counted(value.value.count, "run")): "
                        + value.value.text(value.unit),
                    trend: group.curves.first?.points.map(\.value.mean) ?? [])
            }
        }
    }

    // MARK: Sections

    private var comparisonSection: ReportSection? {
        guard let control = comparisons.first?.control else { return nil }
        let table = ReportTable(
            columns: [
                .init("figure"), .init("group"), .init(control, .right), .init("group's", .right),
                .init("difference", .right), .init("seeds", .right), .init("p, paired t", .right),
                .init("p, sign flips", .right), .init("verdict"),
            ],
            rows: comparisons.map { row in
                let test = row.test
                let isShown = test.difference.excludesZero
                return [
                    .init(row.figure), .init(row.group), .init(test.control.text(row.unit)),
                    .init(test.treatment.text(row.unit)), .init(test.difference.text(row.unit, signed: true)),
                    .init("\(test.difference.count)", sortKey: Double(test.difference.count)),
                    .init(test.tProbability, .significant(2)), .init(test.permutationProbability, .significant(2)),
                    .init(isShown ? "differs" : "no difference shown", tone: isShown ? .strong : .faint),
                ]
            }, isSortable: true)
        return ReportSection(
            "Against \(control)",
            introduction:
                "Differences are taken seed by seed, with Student's 95 % interval over seeds. A verdict goes by "
                + "that interval alone and is not corrected for the number of rows: with many rows some differ by chance.",
            blocks: [.table(table)])
    }

    private var figureSection: ReportSection? {
        let names = groups.first { !$0.figures.isEmpty }?.figures.map(\.name) ?? []
        guard !names.isEmpty else { return nil }
        let table = ReportTable(
            columns: [.init("figure")] + groups.map { .init($0.name, .right) },
            rows: names.map { name in
                [.init(name)]
                    + groups.map { group in
                        guard let figure = group.figures.first(where: { $0.name == name }) else { return "–" }
                        return .init(figure.value.text(figure.unit), sortKey: figure.value.mean)
                    }
            })
        return ReportSection(
            "What the groups come to",
            introduction:
                "Means over the runs of each group whose training is done, with Student's 95 % interval over them.",
            blocks: [.table(table)])
    }

    private var publishedSection: ReportSection? {
        guard experiment == "pretraining" else { return nil }
        func row(_ name: String, _ digits: Int, _ cell: (Int, Bool) -> ReportTable.Cell) -> [[ReportTable.Cell]] {
            [true, false].map { isFixed in
                [.init(name), .init(isFixed ? "fixed" : "varying")] + (0...3).map { cell($0, isFixed) }
            }
        }
        var rows: [[ReportTable.Cell]] = []
        for run in groups.flatMap(\.runs) {
            guard let accuracies = run.accuracies else { continue }
            rows += row("ours, N = \(run.trainedDigits), \(run.name)", run.trainedDigits) { excess, isFixed in
                let digits = run.trainedDigits + excess
                let accuracy = accuracies.accuracy(on: isFixed ? .fixed(digits: digits) : .varying(digits: digits))
                return accuracy.map { .init($0.text, sortKey: $0.mean) } ?? "beyond the context"
            }
        }
        for digits in Set(PublishedAccuracy.all.map(\.trainedDigits)).sorted() {
            rows += row("published, N = \(digits)", digits) { excess, isFixed in
                guard
                    let cell = PublishedAccuracy.all.first(where: {
                        $0.trainedDigits == digits && $0.excess == excess && $0.isFixed == isFixed
                    })
                else { return "–" }
                let format = FigureFormat.fixed(1)
                return .init(
                    "\(format.text(cell.percent)) ± \(format.text(cell.margin)) %", sortKey: cell.percent / 100)
            }
        }
        return ReportSection(
            "Beside the published table",
            introduction:
                "Greedy exact match with bootstrap 95 % intervals over questions. The published models have 85.8 "
                + "million parameters and other Ns; what can be compared is the shape, not the cells.",
            blocks: [
                .table(
                    ReportTable(
                        columns: [
                            .init("model"), .init("set-up"), .init("N", .right), .init("N+1", .right),
                            .init("N+2", .right), .init("N+3", .right),
                        ], rows: rows)),
                .figure(generalisationChart),
            ])
    }

    /// Accuracy over digits beyond N, ours and the published.
    private var generalisationChart: LineChart {
        var series: [LineChart.Series] = []
        for run in groups.flatMap(\.runs) {
            guard let accuracies = run.accuracies else { continue }
            series.append(
                LineChart.Series(
                    "ours, \(run.name)",
                    points: (0...3).compactMap { excess in
                        accuracies.accuracy(on: .varying(digits: run.trainedDigits + excess)).map {
                            LineChart.Point(x: Double(excess), y: $0.mean, interval: $0.lowerBound...$0.upperBound)
                        }
                    }))
        }
        for digits in Set(PublishedAccuracy.all.map(\.trainedDigits)).sorted() {
            series.append(
                LineChart.Series(
                    "published, N = \(digits)",
                    points: PublishedAccuracy.all.filter { $0.trainedDigits == digits && !$0.isFixed }.map {
                        LineChart.Point(x: Double($0.excess), y: $0.percent / 100)
                    }, stroke: .dashed))
        }
        return LineChart(
            title: "Accuracy, varying", xLabel: "digits beyond N", yLabel: "greedy exact match", series: series,
            yRange: 0...1, yFormat: .percent(0))
    }

    private var curveSection: ReportSection? {
        var titles: [String] = []
        for curve in groups.flatMap(\.curves) where !titles.contains(curve.figure.chart) {
            titles.append(curve.figure.chart)
        }
        guard !titles.isEmpty else { return nil }
        let charts = titles.map { title in
            let unit = groups.flatMap(\.curves).first { $0.figure.chart == title }?.figure.unit ?? .number
            return LineChart(
                title: title, xLabel: "step", yLabel: unit == .nats ? "nats" : unit == .share ? "share" : "",
                series: groups.compactMap { group in
                    group.curves.first { $0.figure.chart == title }.map { curve in
                        LineChart.Series(
                            group.name,
                            points: curve.points.map {
                                LineChart.Point(
                                    x: Double($0.step), y: $0.value.mean,
                                    interval: $0.value.count > 1 ? $0.value.lowerBound...$0.value.upperBound : nil)
                            })
                    }
                }, yFormat: unit == .share ? .percent(0) : .significant(2))
        }
        return ReportSection(
            "Curves",
            introduction:
                "Means over the runs of a group that have come so far; the bands are Student's 95 % intervals "
                + "over runs, which for shares may reach below 0 or above 1.",
            blocks: stride(from: 0, to: charts.count, by: 2).map { index in
                .figures(Array(charts[index..<min(index + 2, charts.count)]))
            })
    }

    private var runSection: ReportSection? {
        let setups = runs.lazy.compactMap(\.accuracies).first?.cells.map(\.setup) ?? []
        var table = ReportTable(
            columns: [.init("run"), .init("steps", .right), .init("training", .right)]
                + setups.map { .init($0, .right) }, rows: [], isSortable: true)
        for run in runs {
            let cells = setups.map { setup -> ReportTable.Cell in
                guard let cell = run.accuracies?.cells.first(where: { $0.setup == setup }) else { return "–" }
                return .init(cell.accuracy.text, sortKey: cell.accuracy.mean)
            }
            table.rows.append(
                [
                    .init(run.name, tone: run.isFinished ? .plain : .faint),
                    .init("\(run.finishedSteps) / \(run.steps)", sortKey: Double(run.finishedSteps)),
                    .init(run.trainingSeconds > 0 ? run.trainingSeconds : nil, .duration),
                ] + cells)
        }
        return ReportSection(
            "Every run", introduction: "Greedy exact match with bootstrap 95 % intervals over questions.",
            blocks: [.table(table)])
    }

    private func provenanceSection(command: String) -> ReportSection {
        ReportSection(
            "Provenance",
            blocks: [
                .heading("Command"), .code(command),
                .details(
                    summary: "Digests of the finished models",
                    [
                        .facts(
                            runs.compactMap { run in
                                run.weightsDigest.map { ReportFact(run.name, $0, isCode: true) }
                            })
                    ]),
            ])
    }

    private var notesSection: ReportSection {
        ReportSection(
            "What to keep in mind",
            blocks: [
                .notes([
                    "Intervals over runs are Student's and hold the variation between seeds; intervals over questions are "
                        + "bootstrapped. Neither holds the other's uncertainty.",
                    "Every model is asked the same questions, drawn with a seed that no run trains with.",
                    "The folder of each run has its checkpoint, its metrics step by step and its resolved configuration; "
                        + "runs.csv, curves.csv and report.json beside this page have all figures.",
                ])
            ])
    }
}
