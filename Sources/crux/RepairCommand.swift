internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import Codecs
internal import Rendering
internal import SystemPackage

/// `crux repair`.
struct RepairCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Save every tensor that is whole from a broken crux checkpoint.",
        discussion: """
            For files that are cut off, overwritten in places, or without header, index or trailer. What comes back is \
            proven by its digests, bit for bit; what does not is listed, with the bytes that are lost. Exit code 0: all \
            came back; 1: something is lost; 2: nothing came back, or the file could not be read.
            """)

    @Argument(help: "The broken checkpoint; it stays as it is.", completion: .file())
    var input: String

    @Argument(help: "The checkpoint to write.", completion: .file(extensions: ["crux"]))
    var target: String?

    @Flag(name: .customLong("dry-run"), help: "Show what would come back and write nothing.")
    var isDryRun = false

    @Flag(help: "Replace what is at OUT.")
    var force = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if target == nil, !isDryRun { throw ValidationError("Missing expected argument '<target>', or --dry-run") }
    }

    mutating func run() throws {
        let path = FilePath(input)
        if let target, !isDryRun {
            if path.namesSameFile(as: FilePath(target)) {
                throw CommandFailure.couldNotRun("\(target): is the broken file; OUT must name another one")
            }
            if !force, (try? Stat(FilePath(target))) != nil {
                throw CommandFailure.couldNotRun("\(target): exists; --force replaces it")
            }
        }
        let salvage = try Salvage(path: path, workerCount: output.workers)
        var result = RepairResult(report: salvage.report)
        if let target, !isDryRun, !salvage.report.isEmpty {
            try salvage.write(to: FilePath(target))
            let verification = Verifier.verify(path: FilePath(target), workerCount: output.workers)
            if let finding = verification.findings.first {
                throw CommandFailure.couldNotRun("\(target): the written file is not whole: \(finding)")
            }
            result.target = target
            result.weightsDigest = verification.weightsDigest?.hex
        }
        try StandardOutput.write(output.json ? ReportJSON.encode(result) : result.text(style: Terminal.output))
        if salvage.report.isEmpty { throw CommandFailure.couldNotRun("\(input): nothing in the file is whole") }
        if !salvage.report.isComplete { throw ExitCode(1) }
    }
}

/// What a repair has saved, as it is written to standard output.
struct RepairResult: Encodable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    let schemaVersion = 1
    /// What came back and what is lost.
    let report: SalvageReport
    /// The file that was written; nil where none was.
    var target: String?
    /// The digest of the written weights.
    var weightsDigest: String?

    init(report: SalvageReport) { self.report = report }

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, isComplete, report, target, weightsDigest
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(schemaVersion, forKey: .schemaVersion)
        try container.encode(report.isComplete, forKey: .isComplete)
        try container.encode(report, forKey: .report)
        try container.encode(target, forKey: .target)
        try container.encode(weightsDigest, forKey: .weightsDigest)
    }

    /// The result for a terminal.
    func text(style: TerminalStyle) -> String {
        var text = style.paint(report.isComplete ? "whole" : report.isEmpty ? "lost" : "partial", tone)
        text += "  " + TerminalText.visible(report.path) + "  "
        text += "\(FigureFormat.count.text(report.tensors.count)) tensors, "
        text += FigureFormat.bytes.text(report.tensors.reduce(0) { $0 + $1.byteCount })
        text += report.metadataCount.map { ", \(FigureFormat.count.text($0)) metadata keys" } ?? ", no metadata"
        text += report.evidence == .index ? " (by the index)\n" : " (by their own records)\n"
        for finding in report.findings { text += "  \(TerminalText.visible(finding.description))\n" }
        for loss in report.lost { text += lines(of: loss, style: style) }
        if let target { text += "→ \(TerminalText.visible(target)), verified" }
        if let weightsDigest { text += "\n       weights \(weightsDigest)" }
        return target == nil ? text : text + "\n"
    }

    private var tone: Tone { report.isComplete ? .good : .bad }

    private func lines(of loss: SalvageReport.Loss, style: TerminalStyle) -> String {
        var text = style.paint("lost", .bad) + "  "
        switch loss.part {
        case .tensor: text += loss.name.map { "tensor '\(TerminalText.visible($0))'" } ?? "a tensor"
        case .section: text += "section '\(TerminalText.visible(loss.name ?? "?"))'"
        case .metadata: text += "metadata"
        case .bytes: text += "bytes"
        case .end: text += "the end"
        }
        if let dtype = loss.dtype, let shape = loss.shape {
            text += " \(dtype) [\(shape.map(String.init).joined(separator: ", "))]"
        }
        if let range = loss.byteRange, !range.isEmpty {
            text += " (bytes \(range.lowerBound)–\(range.upperBound - 1))"
        }
        text += ": \(TerminalText.visible(loss.problem))\n"
        if !loss.lostContentRanges.isEmpty {
            let ranges = loss.lostContentRanges.map { "\($0.lowerBound)–\($0.upperBound - 1)" }
            text += "      of its content are lost: bytes \(ranges.joined(separator: ", "))\n"
        }
        for finding in loss.findings.prefix(3) { text += "      \(TerminalText.visible(finding.description))\n" }
        if loss.findings.count > 3 { text += "      … \(loss.findings.count - 3) more, in --json\n" }
        return text
    }
}
