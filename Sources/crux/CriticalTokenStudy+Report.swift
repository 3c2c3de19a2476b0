internal import Analysis
internal import ArgumentParser
internal import Codecs
internal import Experiments
internal import LanguageModel
internal import Rendering
internal import Tasks

extension CriticalTokenStudy.Outcome {
    // MARK: Coloured scratchpads

    /// The first answers coloured by the model's certainty; critical tokens are marked.
    func scratchpads(_ count: Int) -> TokenHeat {
        let shown = answers.sequences.prefix(count)
        let tokens = shown.flatMap(\.tokens)
        let measures: [HeatMeasure] = [.certainty, .maximumProbabilityCertainty]
        return TokenHeat(
            measures: measures.map { $0.measure(tokens) } + [
                .init("π(token)", explanation: "The probability of the written token.")
            ],
            passages: shown.enumerated().map { index, sequence in
                TokenHeat.Passage(
                    title: "Answer \(index + 1)", detail: sequence.outcome ?? "",
                    tokens: [.init(sequence.prompt)]
                        + sequence.tokens.map { token in
                            TokenHeat.Token(
                                token.text,
                                values: measures.map { $0.value(token) ?? .nan } + [
                                    Double.exponential(token.referenceLogProb)
                                ],
                                mark: token.critical.map {
                                    "critical: \($0.name); right is “\($0.rightText)”, "
                                        + KLReport.probability($0.referenceLogProb)
                                })
                        })
            })
    }

    // MARK: Terminal

    /// What the terminal shows.
    func text(style: TerminalStyle, shown: Int, report: String) -> String {
        var text = result.sentence + "\n\n"
        var table = TextTable(columns: [
            .init("certainty less that of the others"), .init("tokens", .right), .init("negentropy", .right),
            .init("p max at temperature 4", .right),
        ])
        for row in result.certainties {
            table.rows.append([
                .init(row.name, row.isCritical ? .strong : .plain), .init(FigureFormat.count.text(row.tokenCount)),
                .init(row.negentropy.text(.number, signed: true)),
                .init(row.maximumProbability.text(.number, signed: true)),
            ])
        }
        text += table.text(style: style)
        var ranks = TextTable(columns: [
            .init("found by low certainty alone"), .init("certainty"), .init("members", .right), .init("AUC", .right),
            .init("precision at k"),
        ])
        for row in result.rankings {
            ranks.rows.append([
                .init(row.target), .init(row.certainty), .init("\(row.ranking.memberCount) of \(row.ranking.count)"),
                .init(FigureFormat.fixed(3).text(row.ranking.areaUnderCurve)), .init(row.ranking.precisionText),
            ])
        }
        text += "\n" + ranks.text(style: style) + "\n"
        let heat = scratchpads(shown)
        if shown > 0 {
            text += heat.terminalLegend(measure: 0, style: style) + heat.terminalText(measure: 0, style: style) + "\n"
        }
        return text + report + "\n"
    }

    // MARK: Page

    /// The study as a page.
    func page(command: String, shown: Int) -> ReportPage {
        ReportPage(
            kicker: "crux experiment critical-tokens", title: "Critical tokens", summary: result.sentence,
            cards: [
                ReportCard(
                    "Right answers", value: FigureFormat.percent(1).text(result.success.mean),
                    detail: result.success.text),
                ReportCard(
                    "First error is critical", value: FigureFormat.percent(1).text(result.firstErrorsCritical.mean),
                    detail:
                        "of \(result.firstErrorsCritical.exampleCount) wrong answers, \(result.firstErrorsCritical.text)"
                ),
            ],
            sections: [
                certaintySection, rankingSection, errorSection, forcedSection,
                ReportSection(
                    "Scratchpads by certainty",
                    introduction: "Pale is certain. Critical tokens are marked.",
                    blocks: [.tokens(scratchpads(shown))]),
                ReportSection(
                    "Provenance",
                    blocks: [
                        .facts([
                            ReportFact("model", result.model.path, isCode: true),
                            ReportFact(
                                "weights digest", result.model.weightsDigest?.hex ?? FigureFormat.missing, isCode: true),
                        ]), .heading("Command"), .code(command),
                    ]),
            ], footer: "crux \(Crux.configuration.version)")
    }

    private var certaintySection: ReportSection {
        let rows = result.certainties.map { row -> [ReportTable.Cell] in
            [
                .init(row.name, tone: row.isCritical ? .strong : .plain),
                .init(FigureFormat.count.text(row.tokenCount), sortKey: Double(row.tokenCount)),
                .init(row.negentropy.text(.number, signed: true), sortKey: row.negentropy.mean),
                .init(row.maximumProbability.text(.number, signed: true), sortKey: row.maximumProbability.mean),
            ]
        }
        return ReportSection(
            "Certainty on critical tokens and on others",
            introduction:
                "The certainty on tokens of a kind less the mean over all others of the same answer: the mean "
                + "over answers with Student's 95 % interval. The paper's table 1, for N = 3, 5, 7 and models a hundred "
                + "times this size: critical tokens −0.33 ± 0.01, −0.21 ± 0.18, −0.13 ± 0.04; the others at least 0.0012, "
                + "0.0002, 0.0004.",
            blocks: [
                .table(
                    ReportTable(
                        columns: [
                            .init("kind of token"), .init("tokens", .right), .init("negentropy", .right),
                            .init("p max at temperature 4", .right),
                        ], rows: rows, isSortable: true))
            ])
    }

    private var rankingSection: ReportSection {
        ReportSection(
            "How well certainty alone finds them",
            introduction:
                "Tokens are ranked by rising certainty. AUC is the probability that a critical token is ranked "
                + "before another; one half is chance. Decisive: success moves by at least "
                + "\(FigureFormat.percent(0).text(CriticalTokenResult.decisiveEffect)) when the token is forced wrong. Success "
                + "is lost: that effect times the probability of not writing the right token is at least "
                + "\(FigureFormat.percent(0).text(CriticalTokenResult.notableLoss)).",
            blocks: [
                .table(
                    ReportTable(
                        columns: [
                            .init("to be found"), .init("certainty"), .init("members", .right), .init("AUC", .right),
                            .init("precision at k"),
                        ],
                        rows: result.rankings.map { row in
                            [
                                .init(row.target), .init(row.certainty),
                                .init("\(row.ranking.memberCount) of \(row.ranking.count)"),
                                .init(row.ranking.areaUnderCurve, .fixed(3)), .init(row.ranking.precisionText),
                            ]
                        }))
            ])
    }

    private var errorSection: ReportSection {
        ReportSection(
            "Where wrong answers first go wrong",
            blocks: [
                .table(
                    ReportTable(
                        columns: [.init("place"), .init("answers", .right)],
                        rows: result.firstErrors.map {
                            [
                                .init($0.name, tone: $0.isCritical ? .strong : .plain),
                                .init("\($0.count)", sortKey: Double($0.count)),
                            ]
                        }))
            ])
    }

    private var forcedSection: ReportSection {
        let sorted = result.forced.sorted { $0.expectedLoss > $1.expectedLoss }
        return ReportSection(
            "Forced tokens",
            introduction: "Along right answers: the share of right answers after the right token and after the model's "
                + "likeliest wrong one, \(FigureFormat.counted(result.options.rolloutCount, "roll-out")) each; the tokens at "
                + "which most success is lost first.",
            blocks: [
                .table(
                    ReportTable(
                        columns: [
                            .init("problem", isCode: true), .init("place", .right), .init("right", isCode: true),
                            .init("wrong", isCode: true), .init("critical by place"), .init("π(right)", .right),
                            .init("J", .right), .init("after right", .right), .init("after wrong", .right),
                            .init("effect", .right), .init("expected loss", .right),
                        ],
                        rows: sorted.prefix(60).map { token in
                            [
                                .init(token.problem), .init("\(token.position)", sortKey: Double(token.position)),
                                .init(token.right.debugDescription), .init(token.wrong.debugDescription),
                                .init(token.criticalName ?? ""), .init(token.rightProbability, .significant(3)),
                                .init(token.certainty.negentropy, .significant(3)),
                                .init(token.successWhenRight, .percent(0)), .init(token.successWhenWrong, .percent(0)),
                                .init(token.effect, .fixed(2)), .init(token.expectedLoss, .significant(2)),
                            ]
                        }, isSortable: true))
            ])
    }
}

extension CriticalTokenResult {
    /// What was found, in a few sentences.
    var sentence: String {
        "A model trained on up to \(options.trainedDigits) digits answered "
            + "\(FigureFormat.counted(options.generationCount, "addition")) (\(options.setup)) at temperature "
            + "\(FigureFormat.significant(3).trimmedText(Double(options.temperature))): \(success.text) right. Of "
            + "\(FigureFormat.counted(firstErrorsCritical.exampleCount, "wrong answer")), "
            + "\(firstErrorsCritical.text) first go wrong at a critical token."
    }

    /// The certainty table as comma-separated values.
    var certaintiesCSV: String {
        CSV.text(
            [["kind", "critical", "tokens", "certainty", "generations", "mean", "lower", "upper"]]
                + certainties.flatMap { row in
                    [("negentropy", row.negentropy), ("maximum-probability", row.maximumProbability)].map {
                        name, value in
                        [
                            row.name, row.isCritical ? "1" : "0", "\(row.tokenCount)", name, "\(value.count)",
                            "\(value.mean)", "\(value.lowerBound)", "\(value.upperBound)",
                        ]
                    }
                })
    }

    /// The forced tokens as comma-separated values.
    var forcedCSV: String {
        CSV.text(
            [
                [
                    "problem", "position", "right", "wrong", "critical", "right_probability", "negentropy",
                    "maximum_probability", "success_when_right", "success_when_wrong",
                ]
            ]
                + forced.map { token in
                    [
                        token.problem, "\(token.position)", token.right, token.wrong, token.criticalName ?? "",
                        "\(token.rightProbability)", "\(token.certainty.negentropy)",
                        "\(token.certainty.maximumProbability)", "\(token.successWhenRight)",
                        "\(token.successWhenWrong)",
                    ]
                })
    }
}

extension Ranking {
    /// `10: 40 %, 50: 22 %`.
    var precisionText: String {
        precision.map { "\($0.k): \(FigureFormat.percent(0).text($0.precision))" }.joined(separator: ", ")
    }
}
