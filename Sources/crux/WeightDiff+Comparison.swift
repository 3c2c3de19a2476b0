internal import Analysis
internal import Rendering

extension StructureDiff {
    /// Why not all tensors could be compared, in words; nil where all could.
    var incomparable: String? {
        var parts: [String] = []
        func add(_ names: [String], _ what: String) {
            guard let first = names.first else { return }
            parts.append(
                "\(FigureFormat.counted(names.count, "tensor")) \(what) (\(first)\(names.count > 1 ? ", …" : ""))")
        }
        add(missing.map(\.name), "only in the base")
        add(added.map(\.name), "only in the policy")
        add(reshaped.map(\.base.name), "of another shape")
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}

extension WeightDiff {
    /// How far elements moved, in steps of their type; the JSON has every power of two.
    static func stepTable(_ figures: DifferenceFigures) -> TextTable {
        let total = figures.stepHistogram.reduce(0, +)
        guard total > 0 else { return TextTable(columns: []) }
        let rows = stepRanges.compactMap { label, bins -> [TextTable.Cell]? in
            let count = figures.stepHistogram.enumerated().reduce(0) {
                $0 + (bins.contains($1.offset) ? $1.element : 0)
            }
            guard count > 0 else { return nil }
            let share = Double(count) / Double(total)
            return [
                .init(label), .init(FigureFormat.count.text(count)), .init(FigureFormat.percent(2).text(share)),
                .init(String(repeating: "█", count: Int((share * 30).rounded())), .faint),
            ]
        }
        return TextTable(
            columns: [.init("steps (ULP) moved"), .init("elements", .right), .init("share", .right), .init("")],
            rows: rows)
    }

    /// The rows of a step histogram: a label and the bins that it joins.
    private static let stepRanges: [(String, Range<Int>)] = [
        ("0", 0..<1), ("1", 1..<2), ("2–3", 2..<3), ("4–15", 3..<5), ("16–255", 5..<9), ("256–4,095", 9..<13),
        ("4,096–65,535", 13..<17), ("65,536–1,048,575", 17..<21), ("1,048,576 and more", 21..<64),
    ]

    /// The policy's figures beside those of another run.
    func nullTable(_ null: NullDiff) -> TextTable {
        guard let weights, let other = null.weights else { return TextTable(columns: []) }
        let number = FigureFormat.significant(3)
        func row(_ name: String, _ value: Double?, _ null: Double?, _ format: FigureFormat) -> [TextTable.Cell] {
            var ratio: Double?
            if let value, let null, null != 0 { ratio = value / null }
            return [.init(name), .init(format.text(value)), .init(format.text(null)), .init(number.text(ratio))]
        }
        let share = FigureFormat.percent(2)
        var rows = [
            row("‖Δ‖ / ‖base‖", weights.relativeChange, other.relativeChange, number),
            row("‖Δ‖", weights.changeNorm, other.changeNorm, number),
            row("‖Δ‖₁", weights.changeL1, other.changeL1, number),
            row("bits changed", weights.changedBitwise.share, other.changedBitwise.share, share),
            row("changed as bf16", weights.changedAsBFloat16.share, other.changedAsBFloat16.share, share),
            row(
                "beyond \(number.trimmedText(tolerances.absolute))", weights.changedBeyondAbsolute.share,
                other.changedBeyondAbsolute.share, share),
            row(
                "beyond \(number.trimmedText(tolerances.relative)) relative", weights.changedBeyondRelative.share,
                other.changedBeyondRelative.share, share),
            row("max |Δ|", weights.largestChange?.magnitude ?? 0, other.largestChange?.magnitude ?? 0, number),
        ]
        for entry in byKind {
            let partner = null.byKind.first { $0.kind == entry.kind }
            rows.append(
                row(
                    "‖Δ‖ / ‖base‖, \(entry.kind.rawValue)", entry.figures?.relativeChange,
                    partner?.figures?.relativeChange, number))
        }
        return TextTable(
            columns: [
                .init("beside \(null.checkpoint.name)"), .init("policy", .right), .init("other run", .right),
                .init("ratio", .right),
            ], rows: rows)
    }
}

extension SpectralDiff {
    /// The matrices, those with the largest leading singular value first.
    func table(limit: Int) -> TextTable {
        let number = FigureFormat.significant(3)
        let ranked = tensors.sorted { ($0.changeValues.first ?? 0) > ($1.changeValues.first ?? 0) }
        return TextTable(
            columns: [
                .init("spectrum", truncation: .both), .init("σ₁ of Δ", .right), .init("σ₁ of base", .right),
                .init("effective rank", .right), .init("of", .right), .init("99 % in", .right),
                .init("in base's first k", .right), .init("by chance", .right), .init("spectral shift", .right),
                .init("σ of Δ"),
            ],
            rows: ranked.prefix(limit).map { entry in
                [
                    .init(entry.name), .init(number.text(entry.changeValues.first)),
                    .init(number.text(entry.baseValues.first)), .init(entry.effectiveRankText),
                    .init(FigureFormat.count.text(entry.shape.min() ?? 0)),
                    .init(entry.rankOf99PercentText),
                    .init(
                        "\(FigureFormat.percent(2).text(entry.subspaceShare)) (k = \(entry.subspaceRank))"),
                    .init(FigureFormat.percent(2).text(entry.subspaceShareOfChance)),
                    .init(number.text(entry.spectralShift)),
                    .init(Sparkline.text(entry.sampledChangeValues(12))),
                ]
            })
    }
}

extension SpectralDiff {
    /// The spectra as a section of a page: how fast the singular values of the largest changes fall, and the figures.
    func section(limit: Int) -> ReportSection {
        let ranked = tensors.sorted { ($0.changeValues.first ?? 0) > ($1.changeValues.first ?? 0) }
        var blocks: [ReportBlock] = []
        let drawn = ranked.prefix(5).filter { $0.changeValues.count > 1 }
        if !drawn.isEmpty {
            blocks.append(
                .figure(
                    LineChart(
                        title: "Singular values of the largest changes", xLabel: "place, from 1",
                        yLabel: "σ / σ₁ of Δ",
                        series: drawn.map { entry in
                            let first = entry.changeValues[0]
                            return LineChart.Series(
                                entry.name,
                                points: entry.changeValues.enumerated().prefix { $0.element > 1e-6 * first }.map {
                                    LineChart.Point(x: Double($0.offset + 1), y: $0.element / first)
                                })
                        }, xScale: .logarithmic, yScale: .logarithmic)))
        }
        if let table = ReportTable(table(limit: limit), dropsLastColumn: true) { blocks.append(.table(table)) }
        if !skipped.isEmpty { blocks.append(.notes(skipped.map { "\($0.name): \($0.reason)." })) }
        return ReportSection(
            "Spectra",
            introduction:
                "Singular values of each changed matrix's Δ beside those of its base; docs/diff.md defines the "
                + "figures.", blocks: blocks)
    }
}

extension ReportTable {
    /// A terminal's table on a page; nil where it has no rows.
    init?(_ table: TextTable, caption: String = "", dropsLastColumn: Bool = false) {
        guard !table.rows.isEmpty else { return nil }
        let columns = dropsLastColumn ? table.columns.dropLast() : table.columns[...]
        self.init(
            caption: caption, columns: columns.map { .init($0.title, $0.alignment) },
            rows: table.rows.map { row in row.prefix(columns.count).map { .init($0.text, tone: $0.tone) } })
    }
}

extension TensorSpectrum {
    /// The effective rank, or what it lies between.
    var effectiveRankText: String {
        let number = FigureFormat.fixed(1)
        return method == .exact
            ? number.text(effectiveRank) : "\(number.text(leastEffectiveRank))–\(number.text(effectiveRank))"
    }

    /// The number of singular values with 99 % of the change, or that it is more than were computed.
    var rankOf99PercentText: String {
        rankOf99Percent.map { FigureFormat.count.text($0) } ?? "> \(FigureFormat.count.text(changeValues.count))"
    }

    /// Some of the change's singular values, evenly from the first to the last.
    func sampledChangeValues(_ count: Int) -> [Double] {
        guard changeValues.count > count, count > 1 else { return changeValues }
        return (0..<count).map { changeValues[$0 * (changeValues.count - 1) / (count - 1)] }
    }
}
