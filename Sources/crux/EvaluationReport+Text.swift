internal import Analysis
internal import Rendering
internal import Tasks

extension EvaluationReport {
    /// The evaluation for a terminal: a row for each model, set-up and number of digits.
    func text(style: TerminalStyle) -> String {
        let share = FigureFormat.percent(1)
        return TextTable(
            columns: [
                .init("checkpoint", truncation: .end), .init("setup"), .init("digits", .right),
                .init("accuracy", .right), .init("95 % interval", .right), .init("unfinished", .right),
                .init("right", .right), .init("of", .right), .init("tokens/s", .right),
            ],
            rows: models.flatMap { model in
                model.results.map { result in
                    [
                        .init(model.checkpoint.path), .init(result.setup),
                        .init(FigureFormat.count.text(result.digits)), .init(share.text(result.accuracy.mean)),
                        .init(
                            "\(share.text(result.accuracy.lowerBound)) … \(share.text(result.accuracy.upperBound))",
                            .faint),
                        .init(share.text(result.unfinishedShare)),
                        .init(FigureFormat.count.text(result.accuracy.correctCount)),
                        .init(FigureFormat.count.text(result.accuracy.exampleCount)),
                        .init(FigureFormat.count.text(result.tokensPerSecond), .faint),
                    ]
                }
            }
        ).text(style: style)
    }
}
