internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Gates
internal import Integrity
internal import Rendering
internal import Training

/// What verifying several files has shown.
struct VerificationSummary: Encodable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    let schemaVersion = 1
    /// Whether all are valid.
    let isValid: Bool
    /// The files in the order of the command line.
    let files: [FileVerification]
    /// The files that a manifest pins, and those it should; nil where none was given.
    let pinned: [CheckpointManifest.Comparison]?

    /// Sums up.
    init(files: [FileVerification], pinned: [CheckpointManifest.Comparison]? = nil) {
        self.files = files
        self.pinned = pinned
        isValid = files.allSatisfy { $0.status == .valid } && (pinned ?? []).allSatisfy { $0.status == .same }
    }

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, isValid, files, pinned
    }

    /// 1 where a file is invalid, else 2 where one could not be read; nil where all are valid.
    var exitCode: ExitCode? {
        if isValid { return nil }
        return ExitCode(pinned != nil || files.contains { $0.status == .invalid } ? 1 : 2)
    }

    /// The summary for a terminal.
    func text(style: TerminalStyle) -> String {
        (pinned ?? []).map { file in
            let verdict = style.paint(file.status.rawValue, file.status == .same ? .good : .bad)
            let detail = file.detail.isEmpty ? "" : "\n  \(file.detail)"
            return "\(verdict)  \(TerminalText.visible(file.path))\(detail)\n"
        }.joined()
            + files.map { $0.text(style: style) }.joined()
    }
}

extension FileVerification {
    /// The verdict, and what is wrong or worth knowing, for a terminal.
    func text(style: TerminalStyle) -> String {
        var line = style.paint(status.rawValue, status == .valid ? .good : .bad)
        line += "  " + TerminalText.visible(path)
        switch status {
        case .valid:
            if let report {
                line += "  \(FigureFormat.count.text(report.tensorCount)) tensors, "
                line += FigureFormat.bytes.text(report.byteCount)
                line += ", \(report.checksContent ? "every byte" : "stored bytes") checked"
            } else if let format {
                line += "  structure only: \(format.rawValue) has no checksums"
            }
            if let weightsDigest { line += "\n       weights \(weightsDigest)" }
            if let replay {
                line += "\n       steps \(replay.firstStep + 1) to \(replay.lastStep) trained again from "
                line += TerminalText.visible(replay.previous ?? "the run's start")
                line += ": \(FigureFormat.count.text(replay.tensorCount)) tensors, every bit the same"
            }
            for note in notes { line += "\n       \(TerminalText.visible(note.description))" }
        case .invalid:
            // A checkpoint's problem is data; a file that cannot be read is an error, on standard error.
            line += "  (\(Set(problems.map(\.rule)).sorted().joined(separator: ", ")))"
            for problem in problems { line += "\n  " + TerminalText.visible(problem.description) }
        case .unreadable: break
        }
        return line + "\n"
    }
}
