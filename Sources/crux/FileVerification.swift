internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Codecs
internal import Integrity
internal import Rendering
internal import SystemPackage

/// What verifying one file has shown.
struct FileVerification: Encodable {
    /// The verdict.
    enum Status: String, Encodable {
        case valid, invalid, unreadable
    }

    /// The file.
    let path: String
    /// The verdict.
    private(set) var status: Status
    /// The format; nil where it is none that is known.
    let format: CheckpointFileFormat?
    /// Whether the format can prove that its bytes are as they were written.
    let hasChecksums: Bool
    /// What is wrong, a line each.
    private(set) var problems: [String]
    /// What the verifier of crux files found; nil for other formats.
    let report: VerificationReport?

    /// Verifies a file.
    init(
        path: FilePath, mode: VerificationReport.Mode, workerCount: Int?,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
    ) {
        self.path = path.string
        let report = Verifier.verify(path: path, mode: mode, workerCount: workerCount, progress: progress)
        // Not a crux file, or a folder: another format's reader knows more.
        if report.findings.contains(where: { $0.kind == .notACheckpoint || $0.kind == .io }) {
            do throws(CheckpointError) {
                let source = try CheckpointOpener.open(path)
                if source.format != .crux {
                    (status, format, hasChecksums, problems) = (.valid, source.format, false, [])
                    self.report = nil
                    return
                }
            } catch {
                if !report.couldNotRun || error.kind != .io {
                    status = error.kind == .missing || error.kind == .io ? .unreadable : .invalid
                    (format, hasChecksums, problems) = (nil, false, [error.detail])
                    self.report = nil
                    return
                }
            }
        }
        status = report.isValid ? .valid : report.couldNotRun ? .unreadable : .invalid
        format = report.formatVersion == nil ? nil : .crux
        hasChecksums = true
        problems =
            report.findings.map(\.description)
            + (report.unlistedFindingCount > 0
                ? ["\(FigureFormat.count.text(report.unlistedFindingCount)) more problems"] : [])
        self.report = report
    }

    /// Adds what a signature's check has found; a file that could not be read stays that.
    mutating func reject(_ found: [String]) {
        guard !found.isEmpty else { return }
        problems += found
        if status == .valid { status = .invalid }
    }
}

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
            + files.map { file in
                let tone: Tone = file.status == .valid ? .good : .bad
                var line = style.paint(file.status.rawValue, tone) + "  " + TerminalText.visible(file.path)
                if let report = file.report, file.status == .valid {
                    line +=
                        "  \(FigureFormat.count.text(report.tensorCount)) tensors, \(FigureFormat.bytes.text(report.byteCount))"
                        + ", \(report.mode == .quick ? "stored bytes" : "every byte") checked"
                    if let digest = report.weightsDigest { line += "\n       weights \(digest.hex)" }
                } else if let format = file.format, file.status == .valid {
                    line += "  structure only: \(format.rawValue) has no checksums"
                }
                // A checkpoint's problem is data; a file that cannot be read is an error, on standard error.
                if file.status == .invalid {
                    for problem in file.problems { line += "\n  " + TerminalText.visible(problem) }
                }
                return line + "\n"
            }.joined()
    }
}
