internal import Analysis
internal import ArgumentParser
internal import Rendering
internal import TensorCore

extension WeightDiff {
    /// The diff as a page.
    ///
    /// - Parameters:
    ///   - command: The command line that made it.
    ///   - limit: How many tensors the charts and the open table show.
    ///   - coversMetadata: Whether metadata and configuration count.
    func page(command: String, limit: Int, coversMetadata: Bool = true) -> ReportPage {
        ReportPage(
            kicker: "crux diff", title: "\(base.name) → \(policy.name)",
            summary: summary(coversMetadata: coversMetadata), cards: cards,
            sections: weightSections(limit: limit) + [coversMetadata ? metadataSection : nil].compactMap(\.self) + [
                ReportSection(
                    "Provenance",
                    blocks: [
                        .facts(base.facts(as: "base") + policy.facts(as: "policy")), .heading("Command"),
                        .code(command),
                    ]),
                ReportSection("What to keep in mind", blocks: [.notes(Self.notes)]),
            ], footer: "crux \(Crux.configuration.version)")
    }

    private func summary(coversMetadata: Bool) -> String {
        let verdict = verdict(coversMetadata: coversMetadata)
        guard let weights, !hasSameTensors else { return verdict }
        return
            "\(verdict) The weights moved by \(FigureFormat.significant(3).text(weights.shownRelativeChange)) of their "
            + "norm; \(FigureFormat.percent(1).text(weights.changedBitwise.share)) of "
            + "\(FigureFormat.count.text(weights.elementCount)) elements changed at all."
    }

    /// The figures that matter most.
    var cards: [ReportCard] {
        guard let weights else { return [] }
        var cards = [
            ReportCard(
                "Relative change", value: FigureFormat.significant(3).text(weights.shownRelativeChange),
                detail: "‖Δ‖ / ‖base‖ of the weights"),
            ReportCard(
                "Elements changed", value: FigureFormat.percent(1).text(weights.changedBeyondRelative.share),
                detail: "by more than \(FigureFormat.significant(2).trimmedText(tolerances.relative)) of their size; "
                    + "\(FigureFormat.percent(1).text(weights.changedBitwise.share)) at all"),
            ReportCard("Cosine", value: FigureFormat.fixed(6).text(weights.cosine), detail: "of base and policy"),
        ]
        if let largest = weights.largestChange {
            cards.append(
                ReportCard(
                    "Largest change", value: FigureFormat.significant(3).text(largest.magnitude),
                    detail: "\(largest.tensor)\(largest.index)"))
        }
        if weights.policyNaNCount > weights.baseNaNCount {
            cards.append(
                ReportCard(
                    "NaN", value: FigureFormat.count.text(weights.policyNaNCount), detail: "weights of the policy",
                    tone: .bad))
        }
        return cards
    }

    /// What changed, as sections of any page.
    func weightSections(limit: Int) -> [ReportSection] {
        var sections: [ReportSection] = []
        let changed = tensors.filter { !$0.isIdentical }
        if !hasSameTensors {
            var blocks: [ReportBlock] = []
            if byLayer.count > 1 {
                blocks.append(
                    .figure(
                        layerMap,
                        caption: "‖Δ‖ / ‖base‖ of the weights of each kind in each block: the darker, the more."))
            }
            if byBlock.count > 2 { blocks.append(.figure(blockChart)) }
            let charted = changed.filter { ($0.figures?.relativeChange?.isFinite ?? false) }.prefix(min(limit, 15))
            if charted.count > 1 {
                blocks.append(
                    .figure(
                        BarChart(
                            title: "The most changed tensors", valueLabel: "‖Δ‖ / ‖base‖",
                            groups: charted.map { tensor in
                                BarChart.Group(
                                    tensor.name, values: [tensor.figures?.shownRelativeChange ?? .nan],
                                    hover: "\(tensor.policyDType.rawValue) \(Inspection.text(ofShape: tensor.shape))")
                            })))
            }
            if let weights {
                blocks.append(
                    .table(
                        ReportTable(
                            caption: "All weights together",
                            columns: [.init("figure"), .init("value", .right), .init("meaning")],
                            rows: weights.rows(tolerances).map {
                                [.init($0.name), .init($0.value), .init($0.detail, tone: .faint)]
                            })))
            }
            if let null, let table = ReportTable(nullTable(null), caption: "Beside \(null.checkpoint.name)") {
                blocks.append(.table(table))
            }
            if let weights,
                let table = ReportTable(
                    Self.stepTable(weights), caption: "How far elements moved, in steps of their type",
                    dropsLastColumn: true)
            {
                blocks.append(.table(table))
            }
            sections.append(
                ReportSection(
                    "Where the weights moved",
                    introduction: "Δ is policy − base. Norms run over all elements that have a number on both sides.",
                    blocks: blocks))
            let (first, rest) = (Array(changed.prefix(limit)), Array(changed.dropFirst(limit)))
            var tables: [ReportBlock] = first.isEmpty ? [] : [.table(Self.tensorTable(first))]
            if !rest.isEmpty {
                tables.append(
                    .details(
                        summary: FigureFormat.counted(rest.count, "more changed tensor"),
                        [.table(Self.tensorTable(rest))]))
            }
            let sameCount = tensors.count - changed.count
            if sameCount > 0 {
                tables.append(.paragraph("The same bit for bit: \(FigureFormat.counted(sameCount, "tensor"))."))
            }
            if !tables.isEmpty { sections.append(ReportSection("Tensor by tensor", blocks: tables)) }
            if let spectra { sections.append(spectra.section(limit: limit)) }
        }
        if !structure.isEmpty { sections.append(structureSection) }
        return sections
    }

    private var layerMap: LayerMap {
        let kinds = ParameterKind.allCases.filter { kind in byLayer.contains { $0.place.kind == kind } }
        var places: [Int?] = []
        for layer in byLayer where !places.contains(layer.place.layer) { places.append(layer.place.layer) }
        return LayerMap(
            title: "Relative change by block and kind", valueLabel: "‖Δ‖ / ‖base‖", columns: kinds.map(\.rawValue),
            rows: places.map { place in
                LayerMap.Row(
                    place.map { "block \($0)" } ?? "outside",
                    cells: kinds.map { kind in
                        byLayer.first { $0.place.layer == place && $0.place.kind == kind }.flatMap { layer in
                            layer.figures.map { figures in
                                LayerMap.Cell(
                                    figures.shownRelativeChange,
                                    hover: "\(layer.changedTensorCount) of \(layer.tensorCount) tensors changed, "
                                        + "\(FigureFormat.percent(1).text(figures.changedBitwise.share)) of elements")
                            }
                        }
                    })
            })
    }

    /// The relative change of each block, beside that of the other run where there is one.
    private var blockChart: BarChart {
        BarChart(
            title: "Relative change by block", valueLabel: "‖Δ‖ / ‖base‖",
            groups: byBlock.map { block in
                BarChart.Group(
                    block.layer.map { "block \($0)" } ?? "outside",
                    values: [block.figures?.shownRelativeChange ?? .nan],
                    hover: "\(block.changedTensorCount) of \(block.tensorCount) tensors changed, "
                        + "\(FigureFormat.percent(1).text(block.figures?.changedBitwise.share)) of elements")
            })
    }

    private static func tensorTable(_ tensors: [TensorDifference]) -> ReportTable {
        let greatest = tensors.compactMap { $0.figures?.relativeChange }.filter(\.isFinite).max() ?? 0
        return ReportTable(
            columns: [
                .init("tensor", isCode: true), .init("type"), .init("shape"), .init("bits changed", .right),
                .init("‖Δ‖ / ‖base‖", .right), .init("cosine", .right), .init("max |Δ|", .right),
            ],
            rows: tensors.map { tensor in
                let relative = tensor.figures.map(\.shownRelativeChange)
                return [
                    .init(tensor.name),
                    .init(
                        tensor.baseDType == tensor.policyDType
                            ? tensor.policyDType.rawValue
                            : "\(tensor.baseDType.rawValue) → \(tensor.policyDType.rawValue)"),
                    .init(Inspection.text(ofShape: tensor.shape)),
                    .init(tensor.changedBitwise.share, .percent(1)),
                    .init(relative, .significant(3), bar: relative.flatMap { greatest > 0 ? $0 / greatest : nil }),
                    .init(tensor.figures?.cosine, .fixed(6)),
                    .init(tensor.figures.map { $0.largestChange?.magnitude ?? 0 }, .significant(3)),
                ]
            }, isSortable: tensors.count > 1)
    }

    private var structureSection: ReportSection {
        func cell(_ tensor: TensorSummary?) -> ReportTable.Cell {
            .init(
                tensor.map { "\($0.dtype.rawValue) \(Inspection.text(ofShape: $0.shape)), \($0.role)" }
                    ?? FigureFormat.missing)
        }
        var rows: [[ReportTable.Cell]] = []
        rows += structure.missing.map { [.init($0.name), "only in base", cell($0), cell(nil)] }
        rows += structure.added.map { [.init($0.name), "only in policy", cell(nil), cell($0)] }
        for (kind, changes) in [
            ("shape differs", structure.reshaped), ("type differs", structure.retyped),
            ("role differs", structure.reassigned),
        ] {
            rows += changes.map { [.init($0.base.name), .init(kind), cell($0.base), cell($0.policy)] }
        }
        func table(_ rows: [[ReportTable.Cell]]) -> ReportTable {
            ReportTable(
                columns: [.init("tensor", isCode: true), .init("difference"), .init("base"), .init("policy")],
                rows: rows)
        }
        return ReportSection(
            "Structure", introduction: "Tensors that the two do not have in common, or describe differently.",
            blocks: rows.count <= 20
                ? [.table(table(rows))]
                : [
                    .table(table(Array(rows.prefix(10)))),
                    .details(
                        summary: FigureFormat.counted(rows.count - 10, "more such tensor"),
                        [.table(table(Array(rows.dropFirst(10))))]),
                ])
    }

    private var metadataSection: ReportSection? {
        var blocks: [ReportBlock] = []
        if !metadata.isEmpty {
            blocks.append(
                .table(
                    ReportTable(
                        columns: [
                            .init("key", isCode: true), .init("base", isCode: true), .init("policy", isCode: true),
                        ],
                        rows: metadata.map {
                            [
                                .init($0.key), .init($0.base ?? FigureFormat.missing),
                                .init($0.policy ?? FigureFormat.missing),
                            ]
                        })))
        }
        if !configuration.isEmpty {
            blocks.append(.heading("Configuration"))
            blocks.append(
                .code(configuration.map { ($0.side == .base ? "- " : "+ ") + $0.text }.joined(separator: "\n")))
        }
        return blocks.isEmpty ? nil : ReportSection("Metadata", blocks: blocks)
    }

    /// What a weight diff cannot say.
    static let notes = [
        "How far the weights moved does not tell how the behaviour changed: what predicts forgetting is the KL "
            + "divergence on the data, not the distance of the weights (arXiv 2509.04259). Read this beside crux kl.",
        "A share of changed elements means something only with its type and tolerance: fine-tuning in bf16 leaves most "
            + "weights as they were because small updates are rounded away (arXiv 2505.11711, 2511.08567).",
        "Digests find damage and mix-ups, not tampering.",
    ]
}
