internal import Experiments
internal import Rendering
internal import Tasks

extension ExperimentResult {
    /// Every figure of every run as comma-separated values, one a line: accuracies with their bootstrap intervals, what
    /// the run comes to, its training.
    var runsCSV: String {
        var rows = [["experiment", "group", "run", "seed", "finished", "figure", "value", "lower", "upper"]]
        func add(_ run: RunResult, group: String) {
            let head = [experiment, group, run.name, run.seed.map { "\($0)" } ?? "", run.isFinished ? "1" : "0"]
            rows.append(head + ["finished steps", "\(run.finishedSteps)", "", ""])
            rows.append(head + ["training seconds", "\(run.trainingSeconds)", "", ""])
            for cell in run.accuracies?.cells ?? [] {
                let accuracy = cell.accuracy
                rows.append(
                    head + [
                        "accuracy, \(cell.setup)", "\(accuracy.mean)", "\(accuracy.lowerBound)",
                        "\(accuracy.upperBound)",
                    ])
            }
            for (name, value) in run.figures.sorted(by: { $0.key < $1.key }) {
                rows.append(head + [name, "\(value)", "", ""])
            }
        }
        for run in baselines { add(run, group: "") }
        for group in groups { for run in group.runs { add(run, group: group.name) } }
        return CSV.text(rows)
    }

    /// Every point of every curve as comma-separated values: the mean over a group's runs with its 95 % interval.
    var curvesCSV: String {
        var rows = [["experiment", "group", "metric", "step", "runs", "mean", "lower", "upper"]]
        for group in groups {
            for curve in group.curves {
                for point in curve.points {
                    let value = point.value
                    rows.append([
                        experiment, group.name, curve.figure.metric, "\(point.step)", "\(value.count)",
                        "\(value.mean)", "\(value.lowerBound)", "\(value.upperBound)",
                    ])
                }
            }
        }
        return CSV.text(rows)
    }
}
