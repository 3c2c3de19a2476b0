public import CheckpointFormat
public import CheckpointInterop
public import Codecs
internal import Crypto
public import SystemPackage

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The digests of a set of checkpoint files, to be kept in version control and checked later.
///
/// It pins formats too that have no checksums of their own.
public struct CheckpointManifest: Codable, Hashable, Sendable {
    /// The version of this structure.
    public let schemaVersion: Int
    /// The files, sorted by path.
    public let files: [File]

    /// One file.
    public struct File: Codable, Hashable, Sendable {
        /// The path from the manifest's folder, with `/`.
        public let path: String
        /// The size in bytes.
        public let byteCount: Int
        /// The SHA-256 of the file, hexadecimal.
        public let sha256: String
        /// The format; nil for what belongs to a checkpoint but is none.
        public let format: CheckpointFileFormat?
        /// The digest of the weights, the same in every format.
        public let weightsDigest: Digest128?
    }

    /// What comparing a file with its entry has shown.
    public struct Comparison: Codable, Hashable, Sendable {
        /// The verdict.
        public enum Status: String, Codable, Hashable, Sendable {
            /// The bytes are as pinned.
            case same
            /// Other bytes that hold the same weights: metadata or storage differ.
            case sameWeights = "same weights, other bytes"
            /// Other weights, or not a checkpoint any more.
            case changed
            /// There is no such file.
            case missing
            /// There is such a file and the manifest does not name it.
            case unlisted
        }

        /// The path from the manifest's folder.
        public let path: String
        /// The verdict.
        public let status: Status
        /// What was found and expected, in words; empty where the bytes are as pinned.
        public let detail: String
    }

    /// Pins files.
    ///
    /// - Parameters:
    ///   - paths: The files.
    ///   - folder: What their paths in the manifest start from.
    ///   - progress: Is told the path of each file before it is read.
    /// - Throws: `CheckpointError` where a file cannot be read, is no checkpoint, or is not inside the folder.
    public init(
        of paths: [FilePath], in folder: FilePath, progress: (FilePath) -> Void = { _ in }
    ) throws(CheckpointError) {
        var files: [File] = []
        for path in paths {
            progress(path)
            files.append(try File(path, name: try Self.relative(path, to: folder)))
        }
        schemaVersion = 1
        self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    /// Compares the files that are there with those pinned.
    ///
    /// - Parameter found: The checkpoints that are in the folder, to name those that nothing pins.
    /// - Throws: `CheckpointError` where a file cannot be read.
    public func compare(
        in folder: FilePath, found: [FilePath], progress: (FilePath) -> Void = { _ in }
    ) throws(CheckpointError) -> [Comparison] {
        var comparisons: [Comparison] = []
        for file in files {
            let path = folder.appending(file.path)
            progress(path)
            comparisons.append(try file.compare(with: path))
        }
        let listed = Set(files.map(\.path))
        for path in found {
            let name = try Self.relative(path, to: folder)
            if !listed.contains(name) {
                comparisons.append(Comparison(path: name, status: .unlisted, detail: "the manifest does not name it"))
            }
        }
        return comparisons
    }

    /// The manifest's text.
    public var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    /// Reads a manifest.
    ///
    /// - Throws: `CheckpointError` where it is none, or names a place outside its folder.
    public init(json text: String, path: FilePath) throws(CheckpointError) {
        do {
            self = try JSONDecoder().decode(CheckpointManifest.self, from: Data(text.utf8))
        } catch {
            throw CheckpointError(.invalid, path: path, problem: "is not a manifest that crux manifest has written")
        }
        guard schemaVersion == 1 else {
            throw CheckpointError(
                .unsupportedVersion, path: path, problem: "cannot read this manifest",
                comparison: .values(found: "schemaVersion \(schemaVersion)", expected: "1"))
        }
        for file in files {
            let name = FilePath(file.path)
            guard name.isRelative, !name.components.contains(where: { $0.kind != .regular }) else {
                throw CheckpointError(
                    .invalid, path: path, place: CheckpointPlace(field: "path"),
                    problem: "names a file outside the manifest's folder",
                    comparison: .values(found: file.path, expected: "a path below the folder"))
            }
        }
    }

    private static func relative(_ path: FilePath, to folder: FilePath) throws(CheckpointError) -> String {
        var file = path.lexicallyNormalized()
        let base = folder.lexicallyNormalized()
        if base.string == "." || base.isEmpty, file.isRelative { return file.string }
        guard file.removePrefix(base) else {
            throw CheckpointError(
                .invalid, path: path, problem: "is not inside the manifest's folder",
                comparison: .values(found: path.string, expected: "a path below \(folder)"))
        }
        return file.string
    }
}

extension CheckpointManifest.File {
    init(_ path: FilePath, name: String) throws(CheckpointError) {
        let source = try CheckpointOpener.open(path)
        let (sha256, byteCount) = try Self.hash(path)
        self.path = name
        self.byteCount = byteCount
        self.sha256 = sha256
        format = source.format
        weightsDigest = try source.weightsDigest()
    }

    func compare(with path: FilePath) throws(CheckpointError) -> CheckpointManifest.Comparison {
        typealias Comparison = CheckpointManifest.Comparison
        let found: (sha256: String, byteCount: Int)
        do throws(CheckpointError) {
            found = try Self.hash(path)
        } catch {
            guard error.kind == .missing else { throw error }
            return Comparison(path: self.path, status: .missing, detail: "there is no such file")
        }
        if found.sha256 == sha256 { return Comparison(path: self.path, status: .same, detail: "") }
        let detail =
            "found SHA-256 \(found.sha256) (\(found.byteCount) bytes), pinned \(sha256) (\(byteCount) bytes)"
        let weights = (try? CheckpointOpener.open(path)).flatMap { try? $0.weightsDigest() }
        guard let weights, weights == weightsDigest else {
            return Comparison(path: self.path, status: .changed, detail: detail)
        }
        return Comparison(path: self.path, status: .sameWeights, detail: detail)
    }

    /// The SHA-256 of a file, hexadecimal, and its size in bytes.
    package static func hash(_ path: FilePath) throws(CheckpointError) -> (sha256: String, byteCount: Int) {
        let file = try InputFile(path: path)
        var hasher = SHA256()
        var offset = 0
        while offset < file.byteCount {
            let end = min(offset + (1 << 20), file.byteCount)
            hasher.update(data: try file.read(offset..<end))
            offset = end
        }
        return (hasher.finalize().hexadecimal, file.byteCount)
    }
}
