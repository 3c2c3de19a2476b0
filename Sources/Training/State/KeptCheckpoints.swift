import CheckpointFormat
import Codecs
import OrderedCollections
package import SystemPackage

/// The copies that a run keeps beside its checkpoint: its last saves, and the best one.
///
/// A copy is removed only where all of this holds: the run has recorded its digest, the file at its place still has
/// that digest, and the newest copy is valid. Anything else is somebody's own and stays.
struct KeptCheckpoints: Hashable, Sendable {
    /// A copy that the run has written.
    struct Copy: Hashable, Sendable {
        /// The step after which it was saved.
        let step: Int
        /// The root of the file's hash tree, in hexadecimal.
        let fileDigest: String

        /// As metadata holds it: `step digest`.
        fileprivate var text: String { "\(step) \(fileDigest)" }

        fileprivate init?(text: String) {
            let words = text.split(separator: " ")
            guard words.count == 2, let step = Int(words[0]), step >= 0 else { return nil }
            self.init(step: step, fileDigest: String(words[1]))
        }

        init(step: Int, fileDigest: String) {
            self.step = step
            self.fileDigest = fileDigest
        }
    }

    /// The metadata keys of ``last`` and ``best``.
    private static let lastKey = "training.kept"
    private static let bestKey = "training.best"

    /// The last saves, the oldest first.
    private(set) var last: [Copy] = []
    /// The best save.
    private(set) var best: Copy?

    /// No copies.
    init() {}

    /// The copies that a saved run knows; those of the very save that it goes on from are found by their content, for
    /// a file cannot hold its own digest.
    ///
    /// - Throws: ``TrainingError`` where the metadata are of another form.
    init(of reader: CheckpointReader) throws(TrainingError) {
        let digest = reader.fileDigest.hex
        func copies(_ key: String, _ texts: [String]?) throws(TrainingError) -> [Copy] {
            guard reader.metadata[key] != nil else { return [] }
            let copies = (texts ?? []).compactMap(Copy.init(text:))
            guard let texts, copies.count == texts.count else {
                throw TrainingError(
                    .unsuitableCheckpoint(
                        path: reader.path.string, field: key, found: "another form", expected: "'step digest'"))
            }
            return copies
        }
        last = try copies(Self.lastKey, reader.metadata[Self.lastKey]?.stringArrayValue)
        best = try copies(Self.bestKey, reader.metadata[Self.bestKey]?.stringValue.map { [$0] }).first
        let own = Copy(step: try reader.integer(MetadataKey.step), fileDigest: digest)
        if Self.isFile(Self.path(ofStep: own.step, of: reader.path), digest) { last.append(own) }
        if Self.isFile(Self.bestPath(of: reader.path), digest) { best = own }
    }

    /// Notes the copies in a checkpoint.
    func write(to writer: CheckpointWriter) {
        if !last.isEmpty { writer.setMetadata(Self.lastKey, .array(MetadataArray(last.map(\.text)))) }
        if let best { writer.setMetadata(Self.bestKey, .string(best.text)) }
    }

    /// Where the copy of a step's save lies: `run.step-000100.crux` beside `run.crux`.
    static func path(ofStep step: Int, of checkpoint: FilePath) -> FilePath {
        let digits = String(step)
        return sibling(of: checkpoint, "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits)
    }

    /// Whether a path is that of a step's copy.
    fileprivate static func isCopy(_ path: FilePath, of checkpoint: FilePath) -> Bool {
        guard let stem = path.stem, let mark = stem.firstRange(of: ".step-"), let step = Int(stem[mark.upperBound...]),
            step >= 0
        else { return false }
        return Self.path(ofStep: step, of: checkpoint).lastComponent == path.lastComponent
    }

    /// Where the copy of the best save lies: `run.best.crux` beside `run.crux`.
    static func bestPath(of checkpoint: FilePath) -> FilePath { sibling(of: checkpoint, "best") }

    /// Where the copies of a checkpoint lie.
    func paths(of checkpoint: FilePath) -> [FilePath] {
        last.map { Self.path(ofStep: $0.step, of: checkpoint) } + (best == nil ? [] : [Self.bestPath(of: checkpoint)])
    }

    /// Keeps the save that has just been made among the last ones, and removes those that are too many.
    ///
    /// - Throws: `CheckpointError` where the copy cannot be written.
    mutating func keepLast(
        _ count: Int, saved summary: CheckpointSummary, step: Int, _ operations: FileOperations
    ) throws(CheckpointError) {
        let copy = Copy(step: step, fileDigest: summary.fileDigest.hex)
        let path = Self.path(ofStep: step, of: summary.path)
        try Self.copy(summary.path, to: path, operations)
        last.removeAll { $0.step == step }
        last.append(copy)
        guard last.count > count, Verifier.verify(path: path, mode: .quick).isValid else { return }
        for old in last.dropLast(count) {
            let path = Self.path(ofStep: old.step, of: summary.path)
            if Self.isFile(path, old.fileDigest) { try Self.remove(path, operations) }
        }
        last.removeFirst(last.count - count)
    }

    /// Keeps the save that has just been made as the best one.
    ///
    /// - Throws: `CheckpointError` where the copy cannot be written, or where the file at its place is not the run's.
    mutating func keepBest(
        saved summary: CheckpointSummary, step: Int, _ operations: FileOperations
    ) throws(CheckpointError) {
        let path = Self.bestPath(of: summary.path)
        if let best, (try? Stat(path)) != nil, !Self.isFile(path, best.fileDigest) {
            throw CheckpointError(.io, path: path, problem: "cannot write: it is not the best checkpoint of this run")
        }
        try Self.copy(summary.path, to: path, operations)
        best = Copy(step: step, fileDigest: summary.fileDigest.hex)
    }

    private static func sibling(of checkpoint: FilePath, _ name: String) -> FilePath {
        let stem = checkpoint.stem ?? ""
        let ending = checkpoint.extension.map { "." + $0 } ?? ""
        return checkpoint.removingLastComponent().appending("\(stem).\(name)\(ending)")
    }

    private static func isFile(_ path: FilePath, _ digest: String) -> Bool {
        guard (try? Stat(path, followTargetSymlink: false))?.type == .regular else { return false }
        return (try? CheckpointReader(pathOfDeltaWithoutBase: path))?.fileDigest.hex == digest
    }

    private static func copy(
        _ source: FilePath, to target: FilePath, _ operations: FileOperations
    ) throws(CheckpointError) {
        let output = try OutputFile.create(at: target, operations: operations)
        try output.write(contentOf: try InputFile(path: source))
        try output.finish()
    }

    private static func remove(_ path: FilePath, _ operations: FileOperations) throws(CheckpointError) {
        do {
            try operations.remove(path)
        } catch {
            throw CheckpointError(.io, path: path, problem: "cannot remove: \(error)")
        }
    }
}

extension CheckpointConfiguration {
    /// A file beside a checkpoint that a new run's copies could replace; nil where there is none.
    package func keptCopy(beside checkpoint: FilePath) -> FilePath? {
        let best = KeptCheckpoints.bestPath(of: checkpoint)
        if keepBest, (try? Stat(best)) != nil { return best }
        guard keepLast > 0, let beside = try? checkpoint.filesBeside() else { return nil }
        return beside.first { KeptCheckpoints.isCopy($0, of: checkpoint) }
    }
}
