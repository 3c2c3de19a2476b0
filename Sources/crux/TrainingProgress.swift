internal import Rendering
internal import Training

/// One figure of a run's metrics as the progress line shows it.
struct TrainingFigure: Sendable {
    /// The metric's name.
    let metric: String
    /// What the line calls it.
    let label: String
    /// How it is written.
    let format: FigureFormat

    static let pretraining = [
        TrainingFigure(metric: "loss", label: "loss", format: .significant(3)),
        TrainingFigure(metric: "tokens_per_second", label: "tokens/s", format: .count),
    ]
    static let fineTuning = [
        TrainingFigure(metric: "success_rate", label: "success", format: .percent(0)),
        TrainingFigure(metric: "kl_policy_reference_exact", label: "KL", format: .significant(2)),
        TrainingFigure(metric: "tokens_per_second_collect", label: "collect tokens/s", format: .count),
        TrainingFigure(metric: "tokens_per_second_update", label: "update tokens/s", format: .count),
    ]
}

/// A training's progress line, and a line of its own for each evaluation.
struct TrainingProgress {
    private let line: ProgressLine
    private let figures: [TrainingFigure]

    init(label: String, figures: [TrainingFigure], hidesProgress: Bool) {
        line = ProgressLine(
            label: label, mode: ProgressLine.mode(for: Terminal.error, isWanted: !hidesProgress),
            write: StandardError.write)
        self.figures = figures
    }

    /// Shows a step; a save changes nothing that is shown.
    func show(_ event: ProgressEvent) {
        guard event.kind == .step else { return }
        let accuracies = event.metrics.figures.filter {
            $0.name.hasPrefix("accuracy_") && event.metrics[$0.name + "_low"] != nil
        }
        if !accuracies.isEmpty {
            let texts = accuracies.map { figure in
                let name = figure.name.dropFirst("accuracy_".count).replacing("_", with: " ")
                return "\(name) digits \(FigureFormat.percent(1).text(figure.value))"
            }
            let speed = event.metrics["tokens_per_second_evaluate"].map { ", \(FigureFormat.count.text($0)) tokens/s" }
            line.note("step \(event.step): accuracy \(texts.joined(separator: ", "))\(speed ?? "")")
        }
        line.update(
            .init(
                event.step, of: event.totalSteps,
                figures: figures.compactMap { figure in
                    event.metrics[figure.metric].map { .init(figure.label, $0, figure.format) }
                }))
    }

    /// Takes the line away.
    func finish() { line.finish() }
}
