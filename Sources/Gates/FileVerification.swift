internal import Analysis
package import CheckpointFormat
package import CheckpointInterop
internal import Codecs
internal import Rendering
package import SystemPackage
internal import TensorCore
package import Training

/// What verifying one file has shown.
package struct FileVerification: Encodable, Sendable {
    /// The verdict.
    package enum Status: String, Encodable, Sendable {
        case valid, invalid, unreadable
    }

    /// One thing that is wrong, or worth knowing.
    package struct Problem: Encodable, Sendable, CustomStringConvertible {
        /// The kind of failure, as ``CheckpointError/Kind`` names it; `notFinite`, `signature` and `replay` beside.
        package let rule: String
        /// Place, problem, found and expected.
        package let description: String
        /// The bytes of the file that it is about.
        package let byteRange: Range<Int>?

        /// Describes what is wrong.
        package init(rule: String, description: String, byteRange: Range<Int>? = nil) {
            self.rule = rule
            self.description = description
            self.byteRange = byteRange
        }
    }

    /// What to check beyond what the format itself proves.
    package struct Checks: Sendable {
        /// Whether what is stored is decoded.
        package var mode: VerificationReport.Mode
        /// Whether NaN and infinite values make a file invalid.
        package var mustBeFinite: Bool
        /// Where the bases of deltas are looked for.
        package var bases: BaseSearch
        /// The threads; all processors where nil.
        package var workerCount: Int?

        /// Everything that the format proves, and nothing beside, unless told otherwise.
        package init(
            mode: VerificationReport.Mode = .full, mustBeFinite: Bool = false,
            bases: BaseSearch = .standardOfAnyFormat, workerCount: Int? = nil
        ) {
            self.mode = mode
            self.mustBeFinite = mustBeFinite
            self.bases = bases
            self.workerCount = workerCount
        }
    }

    /// The file.
    package let path: String
    /// The verdict.
    package private(set) var status: Status
    /// The format; nil where it is none that is known.
    package private(set) var format: CheckpointFileFormat?
    /// Whether the format can prove that its bytes are as they were written.
    package private(set) var hasChecksums = false
    /// What is wrong.
    package private(set) var problems: [Problem] = []
    /// What is worth knowing of a file that is valid.
    package private(set) var notes: [Problem] = []
    /// The digest of all weights; nil where the file is invalid or its bytes were not read.
    package private(set) var weightsDigest: String?
    /// What the verifier of crux files found; nil for other formats.
    package private(set) var report: VerificationReport?
    /// What training its last steps again has shown; nil where that was not asked.
    package private(set) var replay: Replay.Result?

    /// Whether the content was decoded and read, and not only what is stored.
    package var hasReadContent: Bool { report?.checksContent ?? (weightsDigest != nil) }

    /// Verifies a file.
    package init(
        path: FilePath, checks: Checks, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
    ) {
        self.path = path.string
        status = .valid
        let tally = NonFiniteTally()
        let report = Verifier.verify(
            path: Self.cruxFile(in: path, checks.bases) ?? path, mode: checks.mode, bases: checks.bases,
            workerCount: checks.workerCount, progress: progress,
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

    /// The crux file that a folder stands for; nil for a file, and a folder that stands for something else.
    private static func cruxFile(in path: FilePath, _ bases: BaseSearch) -> FilePath? {
        guard let status = try? Stat(path), status.type == .directory,
            let source = try? CheckpointOpener.open(path, bases: bases), source.format == .crux
        else { return nil }
        return source.path
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
    package mutating func add(_ replay: Replay.Result) {
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
    package mutating func reject(_ found: [Problem]) {
        guard !found.isEmpty else { return }
        problems += found
        if status == .valid { status = .invalid }
    }
}
