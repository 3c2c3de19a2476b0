internal import Analysis
internal import CheckpointInterop
internal import Codecs
internal import Rendering

extension CheckpointIdentity {
    /// The file's name without its folders.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Its name in a series: `step 40: policy.crux`.
    var stepName: String { step.map { "step \(FigureFormat.count.text($0)): \(name)" } ?? name }

    /// What the checkpoint says it is: `policy, step 400`; nil where it says nothing.
    var summary: String? {
        let parts = [kind, step.map { "step \(FigureFormat.count.text($0))" }].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// The facts of a report's provenance section, each named after the checkpoint's part in the report.
    func facts(as part: String) -> [ReportFact] {
        var facts = [
            ReportFact(part, path, isCode: true),
            ReportFact(
                "\(part), file",
                "\(format.rawValue), \(FigureFormat.bytes.text(fileByteCount))"
                    + (summary.map { ", \($0)" } ?? "")),
        ]
        if let weightsDigest {
            facts.append(ReportFact("\(part), weights digest", weightsDigest.hex, isCode: true))
        }
        return facts
    }

    /// The row of a terminal table: part, path, format, what it is, digest.
    func row(as part: String) -> [TextTable.Cell] {
        [
            .init(part, .faint), .init(path), .init(format.rawValue), .init(FigureFormat.bytes.text(fileByteCount)),
            .init(summary ?? ""), .init(weightsDigest?.hex ?? "", .faint),
        ]
    }

    /// A terminal table of checkpoints.
    static func table(_ entries: [(part: String, identity: CheckpointIdentity)]) -> TextTable {
        TextTable(
            columns: [
                .init(""), .init("", truncation: .end), .init(""), .init("", .right), .init(""),
                .init("", truncation: .start),
            ],
            rows: entries.map { $0.identity.row(as: $0.part) }, showsHeader: false)
    }
}
