internal import Analysis
internal import CheckpointInterop
internal import Rendering
internal import TensorCore

extension WeightDiff {
    /// Whether both have the same tensors, bit for bit, whatever the metadata.
    var hasSameTensors: Bool { structure.isEmpty && tensors.allSatisfy(\.isIdentical) }

    /// The verdict in words, about the weights alone or about everything.
    func verdict(coversMetadata: Bool) -> String {
        if !coversMetadata { return hasSameTensors ? "The weights are the same, bit for bit." : "The weights differ." }
        if isIdentical { return "The checkpoints are the same." }
        if hasSameTensors { return "The tensors are the same, bit for bit; the metadata differs." }
        return "The checkpoints differ."
    }

    /// The diff for a terminal.
    ///
    /// - Parameters:
    ///   - limit: How many tensors are listed.
    ///   - coversMetadata: Whether metadata and configuration count.
    func text(style: TerminalStyle, limit: Int, coversMetadata: Bool) -> String {
        var parts = [
            CheckpointIdentity.table([("base", base), ("policy", policy)]).text(style: style)
                + style.paint(verdict(coversMetadata: coversMetadata), hasSameTensors ? .good : .strong) + "\n"
        ]
        func add(_ table: TextTable) {
            if !table.rows.isEmpty { parts.append(table.text(style: style)) }
        }
        if let mapping { add(mapping.table) }
        let structureTable = structureTable
        var shownStructure = structureTable
        shownStructure.rows = Array(structureTable.rows.prefix(limit))
        add(shownStructure)
        let hiddenCount = structureTable.rows.count - shownStructure.rows.count
        if hiddenCount > 0 {
            parts.append(style.paint("\(FigureFormat.counted(hiddenCount, "more such tensor"))", .faint) + "\n")
        }
        if !hasSameTensors {
            if let weights {
                add(Self.figureTable(weights, tolerances))
                add(Self.stepTable(weights))
            }
            if let null { add(nullTable(null)) }
            if byRole.count > 1 { add(roleTable) }
            if byBlock.count > 1 { add(blockTable) }
            add(kindTable)
            let changed = tensors.filter { !$0.isIdentical }
            add(Self.tensorTable(changed.prefix(limit)))
            let sameCount = tensors.count - changed.count
            var rest: [String] = []
            if changed.count > limit {
                rest.append(FigureFormat.counted(changed.count - limit, "more changed tensor"))
            }
            if sameCount > 0 { rest.append("\(FigureFormat.counted(sameCount, "tensor")) the same bit for bit") }
            if !rest.isEmpty { parts.append(style.paint(rest.joined(separator: "; "), .faint) + "\n") }
            if let spectra {
                add(spectra.table(limit: limit))
                for entry in spectra.skipped.prefix(limit) {
                    parts.append(style.paint("no spectrum of \(entry.name): \(entry.reason)", .faint) + "\n")
                }
            }
        }
        if coversMetadata {
            add(metadataTable)
            add(configurationTable)
            if trainingState.contains(where: { !$0.isSame }) { add(trainingStateTable) }
        }
        if let limits { add(LimitCheck.table(limits)) }
        return parts.joined(separator: "\n")
    }

    private var structureTable: TextTable {
        func describe(_ tensor: TensorSummary) -> String {
            "\(tensor.dtype.rawValue) \(Inspection.text(ofShape: tensor.shape)), \(tensor.role)"
        }
        let single = structure.missing.map { ("only in base", $0) } + structure.added.map { ("only in policy", $0) }
        let double =
            structure.reshaped.map { ("shape differs", $0) } + structure.retyped.map { ("type differs", $0) }
            + structure.reassigned.map { ("role differs", $0) }
        return TextTable(
            columns: [.init("structure"), .init("tensor", truncation: .both), .init("base"), .init("policy")],
            rows: single.map { kind, tensor in
                [
                    .init(kind, .warning), .init(tensor.name), .init(kind == "only in base" ? describe(tensor) : ""),
                    .init(kind == "only in base" ? "" : describe(tensor)),
                ]
            }
                + double.map { kind, change in
                    [
                        .init(kind, .warning), .init(change.base.name), .init(describe(change.base)),
                        .init(describe(change.policy)),
                    ]
                })
    }

    private static func figureTable(_ figures: DifferenceFigures, _ tolerances: ChangeTolerances) -> TextTable {
        let rows = figures.rows(tolerances)
        return TextTable(
            columns: [.init("weights"), .init("", .right), .init("")],
            rows: rows.map { [.init($0.name), .init($0.value), .init($0.detail, .faint)] })
    }

    private var roleTable: TextTable {
        Self.groupTable("role", byRole.map { ($0.role, $0.tensorCount, $0.changedTensorCount, $0.figures) })
    }

    private var blockTable: TextTable {
        Self.groupTable(
            "layer",
            byBlock.map {
                ($0.layer.map { "\($0)" } ?? "outside", $0.tensorCount, $0.changedTensorCount, $0.figures)
            })
    }

    private var trainingStateTable: TextTable {
        TextTable(
            columns: [.init("training state"), .init("base"), .init("policy"), .init("")],
            rows: trainingState.map { part in
                [
                    .init(part.name), .init(part.base ?? FigureFormat.missing),
                    .init(part.policy ?? FigureFormat.missing),
                    .init(part.isSame ? "same" : "differs", part.isSame ? .faint : .plain),
                ]
            })
    }

    private var kindTable: TextTable {
        Self.groupTable("kind", byKind.map { ($0.kind.rawValue, $0.tensorCount, $0.changedTensorCount, $0.figures) })
    }

    private static func groupTable(
        _ title: String, _ groups: [(name: String, tensors: Int, changed: Int, figures: DifferenceFigures?)]
    ) -> TextTable {
        TextTable(
            columns: [
                .init(title), .init("tensors", .right), .init("changed", .right), .init("elements", .right),
                .init("bits changed", .right), .init("‖Δ‖ / ‖base‖", .right), .init("max |Δ|", .right),
            ],
            rows: groups.map { group in
                [
                    .init(group.name), .init(FigureFormat.count.text(group.tensors)),
                    .init(FigureFormat.count.text(group.changed)),
                    .init(FigureFormat.count.text(group.figures.map { Double($0.elementCount) })),
                    .init(FigureFormat.percent(1).text(group.figures?.changedBitwise.share)),
                    .init(FigureFormat.significant(3).text(group.figures?.shownRelativeChange)),
                    .init(FigureFormat.significant(3).text(group.figures.map { $0.largestChange?.magnitude ?? 0 })),
                ]
            })
    }

    private static func tensorTable(_ tensors: some Sequence<TensorDifference>) -> TextTable {
        TextTable(
            columns: [
                .init("tensor", truncation: .both), .init("dtype"), .init("shape"), .init("bits changed", .right),
                .init("‖Δ‖ / ‖base‖", .right), .init("cosine", .right), .init("max |Δ|", .right),
            ],
            rows: tensors.map { tensor in
                [
                    .init(tensor.name),
                    .init(
                        tensor.baseDType == tensor.policyDType
                            ? tensor.policyDType.rawValue
                            : "\(tensor.baseDType.rawValue) → \(tensor.policyDType.rawValue)"),
                    .init(Inspection.text(ofShape: tensor.shape)),
                    .init(FigureFormat.percent(1).text(tensor.changedBitwise.share)),
                    .init(FigureFormat.significant(3).text(tensor.figures?.shownRelativeChange)),
                    .init(FigureFormat.fixed(6).text(tensor.figures?.cosine)),
                    .init(FigureFormat.significant(3).text(tensor.figures.map { $0.largestChange?.magnitude ?? 0 })),
                ]
            })
    }

    private var metadataTable: TextTable {
        TextTable(
            columns: [.init("metadata"), .init("base", truncation: .start), .init("policy", truncation: .start)],
            rows: metadata.map {
                [.init($0.key), .init($0.base ?? FigureFormat.missing), .init($0.policy ?? FigureFormat.missing)]
            })
    }

    private var configurationTable: TextTable {
        TextTable(
            columns: [.init("configuration"), .init("line", .right), .init("", truncation: .start)],
            rows: configuration.map {
                [
                    .init($0.side == .base ? "- base" : "+ policy", $0.side == .base ? .bad : .good),
                    .init("\($0.line)"),
                    .init($0.text),
                ]
            })
    }
}

extension NameMapping {
    /// What was done so that names and orientations are the same.
    var table: TextTable {
        func row(_ part: String, _ side: Side) -> [TextTable.Cell] {
            var done: [String] = []
            if side.transposedCount > 0 {
                done.append("\(side.transposedCount) \(side.transposedCount == 1 ? "matrix" : "matrices") transposed")
            }
            if let first = side.leftOut.first {
                done.append(
                    "left out: \(first)" + (side.leftOut.count > 1 ? " and \(side.leftOut.count - 1) more" : ""))
            }
            if side.zeroBiasCount > 0 { done.append("\(side.zeroBiasCount) absent biases taken as zeros") }
            return [
                .init(part), .init(side.naming.rawValue, side.isAmbiguous ? .warning : .plain),
                .init(side.evidence, .faint), .init(done.joined(separator: "; ")),
            ]
        }
        return TextTable(
            columns: [.init("seen as nanogpt"), .init("names"), .init("by"), .init("")],
            rows: [row("base", base), row("policy", policy)])
    }
}

extension DifferenceFigures {
    /// ``relativeChange``, where a change from all zeros is infinite.
    var shownRelativeChange: Double { relativeChange ?? .infinity }

    /// The figures by name, with what they mean.
    func rows(_ tolerances: ChangeTolerances) -> [(name: String, value: String, detail: String)] {
        let share = FigureFormat.percent(2)
        let number = FigureFormat.significant(3)
        var rows = [
            ("elements", FigureFormat.count.text(elementCount), ""),
            ("‖Δ‖ / ‖base‖", number.text(shownRelativeChange), "relative change, L2"),
            ("‖Δ‖", number.text(changeNorm), "base \(number.text(baseNorm)), policy \(number.text(policyNorm))"),
            ("‖Δ‖₁", number.text(changeL1), "Σ |Δ|"),
            ("cosine", FigureFormat.fixed(6).text(cosine), "of base and policy"),
            ("bits changed", share.text(changedBitwise.share), "elements whose bits differ"),
            ("changed as bf16", share.text(changedAsBFloat16.share), "elements that differ once rounded to bf16"),
            (
                "beyond \(number.trimmedText(tolerances.absolute))", share.text(changedBeyondAbsolute.share),
                "elements with |Δ| above it"
            ),
            (
                "beyond \(number.trimmedText(tolerances.relative)) relative", share.text(changedBeyondRelative.share),
                "elements with |Δ| / max(|base|, |policy|) above it"
            ),
        ]
        if let largestChange {
            rows.append(
                (
                    "max |Δ|", number.text(largestChange.magnitude),
                    "\(largestChange.tensor)\(largestChange.index): \(FigureFormat.significant(6).text(largestChange.base))"
                        + " → \(FigureFormat.significant(6).text(largestChange.policy))"
                ))
        }
        if baseNaNCount + policyNaNCount > 0 {
            rows.append(
                (
                    "NaN", FigureFormat.count.text(policyNaNCount),
                    "in the policy; \(FigureFormat.count.text(baseNaNCount)) in the base; left out of the norms"
                ))
        }
        return rows
    }
}
