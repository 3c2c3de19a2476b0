internal import Experiments
internal import Rendering
internal import Tasks

extension FigureUnit {
    /// A value: `23.0 %`, `0.0012`.
    func text(_ value: Double, signed: Bool = false) -> String {
        let text =
            switch self {
            case .share: FigureFormat.fixed(1).text(value * 100)
            case .nats: FigureFormat.significant(2).text(value)
            case .number: FigureFormat.significant(3).text(value)
            }
        return signed && value > 0 ? "+" + text : text
    }

    /// What stands behind a value.
    func suffix(signed: Bool) -> String {
        switch self {
        case .share: signed ? " points" : " %"
        case .nats: " nats"
        case .number: ""
        }
    }
}

extension MeanInterval {
    /// Mean and interval: `23.0 % (14.1 … 31.9)`; the mean alone where there is one run only.
    func text(_ unit: FigureUnit, signed: Bool = false) -> String {
        let interval =
            count > 1
            ? " (\(unit.text(lowerBound, signed: signed)) … \(unit.text(upperBound, signed: signed)))" : ""
        return unit.text(mean, signed: signed) + unit.suffix(signed: signed) + interval
    }
}

extension PairedTest {
    /// Both probabilities: `0.031 / 0.047`.
    var probabilities: String {
        func text(_ value: Double?) -> String { FigureFormat.significant(2).text(value) }
        return "\(text(tProbability)) / \(text(permutationProbability))\(isPermutationExact ? "" : " (sampled)")"
    }
}

extension ExperimentResult {
    /// What the terminal shows at the end.
    func text(style: TerminalStyle, report: String) -> String {
        let finished = runs.count { $0.isFinished }
        var text = "\(title): \(finished) of \(FigureFormat.counted(runs.count, "run")) finished\n\n"
        if let first = groups.first(where: { !$0.figures.isEmpty }) {
            var table = TextTable(
                columns: [.init("mean over runs that are trained (95 % interval)")]
                    + groups.map { .init($0.name, .right) })
            for figure in first.figures {
                table.rows.append(
                    [.init(figure.name)]
                        + groups.map { group in
                            .init(
                                group.figures.first { $0.name == figure.name }.map { $0.value.text($0.unit) }
                                    ?? FigureFormat.missing)
                        })
            }
            text += table.text(style: style) + "\n"
        }
        for baseline in baselines {
            guard let cells = baseline.accuracies?.cells else { continue }
            text += "\(baseline.name): "
            text += cells.map { "\($0.setup) \($0.accuracy.text)" }.joined(separator: "; ") + "\n"
        }
        if !comparisons.isEmpty {
            var table = TextTable(columns: [
                .init("difference, seed by seed"), .init("group"), .init("less the control", .right),
                .init("seeds", .right), .init("p: t / permutation", .right),
            ])
            for row in comparisons {
                table.rows.append([
                    .init(row.figure), .init(row.group), .init(row.test.difference.text(row.unit, signed: true)),
                    .init("\(row.test.difference.count)"), .init(row.test.probabilities),
                ])
            }
            text += "\n" + table.text(style: style)
        }
        return text + "\n\(report)\n"
    }
}
