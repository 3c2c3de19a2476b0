internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Codecs
internal import Integrity
internal import Rendering
internal import SystemPackage
internal import TensorCore
internal import Training

/// What verifying one file has shown.
struct FileVerification: Encodable {
    /// The verdict.
    enum Status: String, Encodable {
        case valid, invalid, unreadable
    }

    /// One thing that is wrong, or worth knowing.
    struct Problem: Encodable, CustomStringConvertible {
        /// The kind of failure, as ``CheckpointError/Kind`` names it; `notFinite`, `signature` and `replay` beside.
        let rule: String
        /// Place, problem, found and expected.
        let description: String
        /// The bytes of the file that it is about.
        var byteRange: Range<Int>?
    }

    /// What to check beyond what the format itself proves.
    struct Checks {
        /// Whether what is stored is decoded.
        var mode = VerificationReport.Mode.full
        /// Whether NaN and infinite values make a file invalid.
        var mustBeFinite = false
        /// Where the bases of deltas are looked for.
        var bases = BaseSearch.standardOfAnyFormat
        /// The threads; all processors where nil.
        var workerCount: Int?
    }

    /// The file.
    let path: String
    /// The verdict.
    private(set) var status: Status
    /// The format; nil where it is none that is known.
    private(set) var format: CheckpointFileFormat?
    /// Whether the format can prove that its bytes are as they were written.
    private(set) var hasChecksums = false
    /// What is wrong.
    private(set) var problems: [Problem] = []
    /// What is worth knowing of a file that is valid.
    private(set) var notes: [Problem] = []
    /// The digest of all weights; nil where the file is invalid or its bytes were not read.
    private(set) var weightsDigest: String?
    /// What the verifier of crux files found; nil for other formats.
    private(set) var report: VerificationReport?
    /// What training its last steps again has shown; nil where that was not asked.
    private(set) var replay: Replay.Result?

    /// Verifies a file.
    init(
        path: FilePath, checks: Checks, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
    ) {
        self.path = path.string
        status = .valid
        let tally = NonFiniteTally()
        let report = Verifier.verify(
            path: path, mode: checks.mode, bases: checks.bases, workerCount: checks.workerCount, progress: progress,
            content: { tensor, bytes in tally.add(bytes, of: tensor) })
        // Not a crux file, or a folder: another format's reader knows more.
        if report.findings.contains(where: { $0.kind == .notACheckpoint || $0.kind == .io }) {
            do throws(CheckpointError) {
                let source = try CheckpointOpener.open(path, bases: checks.bases)
                if source.format != .crux {
                    format = source.format
                    if checks.mode == .full { weightsDigest = try Self.read(source, tally, progress) }
                    judge(tally.tensors, mustBeFinite: checks.mustBeFinite)
                    return
                }
            } catch {
                if !report.couldNotRun || error.kind != .io {
                    status = error.kind == .missing || error.kind == .io ? .unreadable : .invalid
                    problems = [
                        Problem(
                            rule: error.kind.rawValue, description: error.detail, byteRange: error.place.byteRange)
                    ]
                    return
                }
            }
        }
        status = report.isValid ? .valid : report.couldNotRun ? .unreadable : .invalid
        format = report.formatVersion == nil ? nil : .crux
        hasChecksums = true
        problems = report.findings.map {
            Problem(rule: $0.kind.rawValue, description: $0.description, byteRange: $0.place.byteRange)
        }
        if report.unlistedFindingCount > 0 {
            let count = FigureFormat.count.text(report.unlistedFindingCount)
            problems.append(Problem(rule: "damaged", description: "\(count) more problems"))
        }
        if report.isValid { weightsDigest = report.weightsDigest?.hex }
        if let missing = report.missingBase {
            notes.append(Problem(rule: "missing", description: "content not checked: \(missing)"))
        }
        self.report = report
        judge(tally.tensors, mustBeFinite: checks.mustBeFinite)
    }

    /// Reads every byte of a checkpoint whose format has no checksums: that it can be read is all there is to show.
    ///
    /// - Returns: The weights' digest.
    private static func read(
        _ source: any CheckpointSource, _ tally: NonFiniteTally,
        _ progress: @Sendable (_ done: Int, _ total: Int) -> Void
    ) throws(CheckpointError) -> String {
        let total = source.tensors.reduce(0) { $0 + $1.byteCount }
        var done = 0
        var weights: [(name: String, digest: Digest128)] = []
        for tensor in source.tensors {
            var digester = TensorDigester()
            try source.forEachChunk(of: tensor) { (_, bytes) throws(CheckpointError) in
                digester.update(bytes)
                tally.add(bytes, of: tensor)
                done += bytes.byteCount
                progress(done, total)
            }
            let digest = digester.finalize(dtype: tensor.dtype, shape: tensor.shape)
            if tensor.role == .weight { weights.append((tensor.name, digest)) }
        }
        return ContentDigest.weights(of: weights).hex
    }

    /// NaN and infinite values are wrong where they are forbidden, else worth knowing.
    private mutating func judge(_ tensors: [NonFiniteTensor], mustBeFinite: Bool) {
        let found = tensors.map { Problem(rule: "notFinite", description: $0.description) }
        if mustBeFinite { reject(found) } else { notes += found }
    }

    /// Adds what training its last steps again has shown.
    mutating func add(_ replay: Replay.Result) {
        self.replay = replay
        guard let first = replay.firstDifference else { return }
        let place = first.element.map { ", element \($0)" } ?? ""
        reject([
            Problem(
                rule: "replay",
                description:
                    "training steps \(replay.firstStep + 1) to \(replay.lastStep) again gives something else: "
                    + "'\(first.name)'\(place): stored \(first.stored), retrained \(first.retrained); "
                    + "\(replay.differing.count) of \(replay.tensorCount) tensors differ")
        ])
    }

    /// Adds what is wrong beside the bytes; a file that could not be read stays that.
    mutating func reject(_ found: [Problem]) {
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
