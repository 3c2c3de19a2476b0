internal import Experiments
internal import Rendering
internal import Tasks
internal import Training

extension Accuracy {
    /// Mean and bootstrap interval: `16.3 % (12.3 … 20.7)`.
    var text: String {
        func figure(_ value: Double) -> String { FigureFormat.fixed(1).text(value * 100) }
        return "\(figure(mean)) % (\(figure(lowerBound)) … \(figure(upperBound)))"
    }
}

extension QuickExperimentResult {
    /// What the terminal shows at the end.
    func text(style: TerminalStyle, report: String, seconds: Double) -> String {
        var accuracy = TextTable(
            columns: [.init("greedy accuracy, 95 % interval")]
                + reference.accuracies.cells.map { .init($0.setup, .right) })
        accuracy.rows.append(
            [.init("pre-trained (\(reference.checkpoint))")]
                + reference.accuracies.cells.map { .init($0.accuracy.text) })
        for run in runs {
            accuracy.rows.append(
                [.init("policy, \(run.penalty.rawValue), seed \(run.seed)")]
                    + run.accuracies.cells.map { .init($0.accuracy.text) })
        }
        let comparison = TextTable(
            columns: [
                .init("mean over \(FigureFormat.counted(runs(of: .standard).count, "seed"))"),
                .init("standard", .right),
                .init("prioritised", .right), .init("difference", .right),
            ],
            rows: comparisons.map {
                [
                    .init($0.figure), .init($0.standard.text($0.unit)), .init($0.prioritised.text($0.unit)),
                    .init($0.difference.text($0.unit, signed: true)),
                ]
            })
        let saved = 1 - Double(sizes.crux) / Double(max(1, sizes.safetensors))
        let verified = runs.count { $0.isVerified }
        return """
            Live pre-training: \(live.accuracies.inside?.text ?? "–") on up to \
            \(FigureFormat.counted(live.trainedDigits, "digit")) after \
            \(FigureFormat.count.text(Double(live.history.records.last?.step ?? 0))) steps.

            \(accuracy.text(style: style))
            \(comparison.text(style: style))
            Verified: \(verified) of \(runs.count) policies, every byte. The reference's weights: \
            \(FigureFormat.bytes.text(sizes.crux)) as .crux, \(FigureFormat.bytes.text(sizes.safetensors)) as \
            safetensors (\(FigureFormat.percent(1).text(saved)) less).

            \(report)  (\(FigureFormat.duration.text(seconds)))

            """
    }
}
