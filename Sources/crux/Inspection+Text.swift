internal import Analysis
internal import CheckpointInterop
internal import Codecs
internal import Rendering
internal import TensorCore

extension Inspection {
    /// The inspection for a terminal.
    func text(style: TerminalStyle, showsTree: Bool = false) -> String {
        var parts = [overview.text(style: style)]
        // Where each role has one type, the table of both says it all.
        if roles.count > 1, dtypes.count == 1 || rolesAndDTypes.count > roles.count {
            parts.append(Self.table("role", roles).text(style: style))
        }
        if dtypes.count > 1, roles.count > 1 {
            parts.append(Self.table("role and dtype", rolesAndDTypes).text(style: style))
        } else {
            parts.append(Self.table("dtype", dtypes).text(style: style))
        }
        if codecs.count > 1 { parts.append(Self.table("codecs", codecs).text(style: style)) }
        parts.append((showsTree ? treeTable : tensorTable).text(style: style))
        if tensors.contains(where: { $0.statistics != nil }) { parts.append(statisticsTable.text(style: style)) }
        if !metadata.isEmpty { parts.append(metadataTable.text(style: style)) }
        return parts.joined(separator: "\n")
    }

    private var overview: TextTable {
        let ratio = contentByteCount > 0 ? Double(storedByteCount) / Double(contentByteCount) : nil
        var facts: [(String, String)] = [
            ("file", checkpoint.path),
            (
                "format",
                ([checkpoint.format.rawValue, formatVersion].compactMap(\.self).joined(separator: " "))
                    + ", " + FigureFormat.bytes.text(checkpoint.fileByteCount)
            ),
        ]
        if let summary = checkpoint.summary { facts.append(("kind", summary)) }
        facts.append(("parameters", FigureFormat.count.text(parameterCount)))
        facts.append(
            (
                "tensors",
                "\(FigureFormat.count.text(tensors.count)), \(FigureFormat.bytes.text(contentByteCount)) stored as "
                    + "\(FigureFormat.bytes.text(storedByteCount)) (\(FigureFormat.percent(1).text(ratio)))"
            ))
        facts.append(("weights digest", weightsDigest?.hex ?? FigureFormat.missing))
        if let base {
            let places =
                base.chain.isEmpty
                ? "not found" + (base.pathHint.isEmpty ? "" : ", was at \(base.pathHint)")
                : base.chain.joined(separator: ", behind it ")
            facts.append(("delta against", "\(base.weightsDigest.hex): \(places)"))
        }
        if let parent = lineage.parent { facts.append(("parent", parent)) }
        if let reference = lineage.reference { facts.append(("reference", reference)) }
        if let pretrained = lineage.pretrained { facts.append(("pretrained", pretrained)) }
        for (index, link) in lineageChain.enumerated() {
            let file = link.path.map { path in
                let step = link.step.map { "step \(FigureFormat.count.text($0))" }
                return ([path] + [link.kind, step].compactMap(\.self)).joined(separator: ", ")
            }
            facts.append(
                (index == 0 ? "lineage" : "", "\(link.digest.prefix(8)) \(link.relation): \(file ?? "not found here")"))
        }
        if let tokenizer {
            facts.append(
                ("tokenizer", "\(tokenizer.model), \(FigureFormat.count.text(tokenizer.vocabularySize)) tokens"))
        }
        return TextTable(
            columns: [.init(""), .init("")], rows: facts.map { [.init($0.0, .faint), .init($0.1)] }, showsHeader: false)
    }

    private static func table(_ name: String, _ groups: [TensorGroup]) -> TextTable {
        TextTable(
            columns: [
                .init(name), .init("tensors", .right), .init("elements", .right), .init("content", .right),
                .init("stored", .right), .init("ratio", .right),
            ],
            rows: groups.map { group in
                [
                    .init(group.name), .init(FigureFormat.count.text(group.tensorCount)),
                    .init(FigureFormat.count.text(group.elementCount)),
                    .init(FigureFormat.bytes.text(group.contentByteCount)),
                    .init(FigureFormat.bytes.text(group.storedByteCount)),
                    .init(Self.ratio(group.storedByteCount, group.contentByteCount)),
                ]
            })
    }

    private var tensorTable: TextTable {
        TextTable(
            columns: [
                .init("tensor", truncation: .both), .init("dtype"), .init("shape"), .init("role"),
                .init("elements", .right), .init("content", .right), .init("stored", .right), .init("ratio", .right),
                .init("codecs"),
            ],
            rows: tensors.map { tensor in
                [
                    .init(tensor.name), .init(tensor.dtype.rawValue), .init(Self.text(ofShape: tensor.shape)),
                    .init(tensor.role), .init(FigureFormat.count.text(tensor.elementCount)),
                    .init(FigureFormat.bytes.text(tensor.contentByteCount)),
                    .init(FigureFormat.bytes.text(tensor.storedByteCount)),
                    .init(Self.ratio(tensor.storedByteCount, tensor.contentByteCount)),
                    .init(tensor.codecs.joined(separator: " + ")),
                ]
            })
    }

    private static func ratio(_ stored: Int, _ content: Int) -> String {
        FigureFormat.percent(1).text(content > 0 ? Double(stored) / Double(content) : nil)
    }

    private var treeTable: TextTable {
        TextTable(
            columns: [
                .init("tensor", truncation: .start), .init("dtype"), .init("shape"), .init("role"),
                .init("elements", .right), .init("content", .right),
            ],
            rows: TensorTree(tensors).lines.map { line in
                let label = String(repeating: "  ", count: line.depth) + (line.label.isEmpty ? "·" : line.label)
                return [
                    .init(
                        line.count > 1 ? "\(label)  (\(line.count) alike)" : label,
                        line.tensor == nil ? .strong : .plain),
                    .init(line.tensor?.dtype.rawValue ?? ""),
                    .init(line.tensor.map { Self.text(ofShape: $0.shape) } ?? ""), .init(line.tensor?.role ?? ""),
                    .init(FigureFormat.count.text(line.elementCount)),
                    .init(FigureFormat.bytes.text(line.contentByteCount)),
                ]
            })
    }

    private var statisticsTable: TextTable {
        let number = FigureFormat.significant(3)
        return TextTable(
            columns: [
                .init("tensor", truncation: .both), .init("min", .right), .init("max", .right), .init("mean", .right),
                .init("sd", .right), .init("norm", .right), .init("zeros", .right), .init("NaN", .right),
                .init("inf", .right), .init("values"),
            ],
            rows: tensors.compactMap { tensor in
                guard let figures = tensor.statistics else { return nil }
                return [
                    .init(tensor.name), .init(number.text(figures.minimum)), .init(number.text(figures.maximum)),
                    .init(number.text(figures.mean)), .init(number.text(figures.standardDeviation)),
                    .init(number.text(figures.norm)), .init(FigureFormat.count.text(figures.zeroCount)),
                    .init(FigureFormat.count.text(figures.nanCount), figures.nanCount > 0 ? .bad : .plain),
                    .init(FigureFormat.count.text(figures.infinityCount), figures.infinityCount > 0 ? .bad : .plain),
                    .init(figures.finiteCount > 0 ? Sparkline.text(figures.histogram.counts.map(Double.init)) : ""),
                ]
            })
    }

    private var metadataTable: TextTable {
        TextTable(
            columns: [.init("metadata"), .init("type"), .init("value", truncation: .start)],
            rows: metadata.map { [.init($0.key), .init($0.type, .faint), .init($0.value)] })
    }

    /// `768 × 2304`, or `scalar`.
    static func text(ofShape shape: [Int]) -> String {
        shape.isEmpty ? "scalar" : shape.map { String($0) }.joined(separator: " × ")
    }
}
