public import CheckpointFormat
public import SystemPackage

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Opens a checkpoint of any format by its content, whatever its name.
public enum CheckpointOpener {
    /// Opens a file or a folder.
    ///
    /// A folder is opened through its `model.safetensors.index.json`, else its only index of safetensors or PyTorch
    /// files, else its only checkpoint.
    ///
    /// - Parameters:
    ///   - path: The file or folder.
    ///   - bases: Where the base of a delta is looked for.
    /// - Throws: ``CheckpointError`` for what is not a checkpoint, a delta without its base, a format that cannot be read yet, a folder
    ///   with no checkpoint or several, and whatever the format's own reader finds wrong.
    public static func open(
        _ path: FilePath, bases: BaseSearch = .standardOfAnyFormat
    ) throws(CheckpointError) -> any CheckpointSource {
        if let status = try? Stat(path), status.type == .directory { return try openFolder(path, bases) }
        let file = try InputFile(path: path)
        switch try CheckpointSignature(of: file) {
        case .crux: return try CruxSource(path: path, bases: bases)
        case .safetensors: return try SafetensorsSource(path: path)
        case .json: return try ShardedSource(path: path)
        case .gguf: return try GGUFSource(path: path)
        case .zip: return try openArchive(file)
        case .pytorch: return try PyTorchSource(path: path)
        case .npy: return try NumPySource(array: path)
        case .unknown:
            // The name says which reader knows best what is wrong.
            switch path.extension {
            case "crux": return try CruxSource(path: path, bases: bases)
            case "safetensors": return try SafetensorsSource(path: path)
            case "gguf": return try GGUFSource(path: path)
            case "pt", "pth", "ckpt": return try PyTorchSource(path: path)
            case "npy": return try NumPySource(array: path)
            default:
                throw CheckpointError(
                    .notACheckpoint, path: path, problem: "is no checkpoint of a known format",
                    comparison: .values(
                        found: "\(file.byteCount) bytes that are neither",
                        expected: expectedFormats))
            }
        }
    }

    private static func openFolder(_ path: FilePath, _ bases: BaseSearch) throws(CheckpointError)
        -> any CheckpointSource
    {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path.string).sorted()
        } catch {
            throw CheckpointError(.io, path: path, problem: "cannot list the folder")
        }
        let visible = names.filter { !$0.hasPrefix(".") }
        // Other frameworks have indexes of files that are not read.
        let indexes = visible.filter { $0.hasSuffix(".safetensors.index.json") || $0.hasSuffix(".bin.index.json") }
        if indexes.contains("model.safetensors.index.json") {
            return try ShardedSource(path: path.appending("model.safetensors.index.json"))
        }
        if indexes.count == 1 { return try ShardedSource(path: path.appending(indexes[0])) }
        let checkpoints = visible.filter { name in
            guard let file = try? InputFile(path: path.appending(name)),
                let signature = try? CheckpointSignature(of: file)
            else { return false }
            switch signature {
            case .crux, .safetensors, .gguf, .pytorch, .npy: return true
            case .zip: return (try? openArchive(file)) != nil
            case .json, .unknown: return false
            }
        }
        // A list of shards stands for the shards beside it.
        let lists = checkpoints.filter { CheckpointReader.listsShards(path.appending($0)) }
        if lists.count == 1, indexes.isEmpty { return try open(path.appending(lists[0]), bases: bases) }
        guard checkpoints.count == 1, indexes.isEmpty else {
            let found = indexes.isEmpty ? checkpoints : indexes
            throw CheckpointError(
                found.isEmpty ? .missing : .invalid, path: path,
                problem: found.isEmpty ? "holds no checkpoint" : "holds several checkpoints",
                comparison: .values(
                    found: found.isEmpty ? "none" : found.joined(separator: ", "),
                    expected: "one checkpoint or one index"))
        }
        return try open(path.appending(checkpoints[0]), bases: bases)
    }

    /// What can be opened, for messages.
    private static let expectedFormats = "crux, safetensors, an index of shards, GGUF, PyTorch, npz or npy"

    /// Opens what tools keep in zip archives: the members' names say whose it is.
    private static func openArchive(_ file: InputFile) throws(CheckpointError) -> any CheckpointSource {
        let archive = try ZipDirectory(of: file)
        if PyTorchSource.isPyTorch(archive) { return try PyTorchSource(archive: archive, in: file) }
        if archive.members.isEmpty || archive.members.contains(where: { $0.name.hasSuffix(".npy") }) {
            return try NumPySource(archive: archive, in: file)
        }
        throw CheckpointError(
            .notACheckpoint, path: file.path, problem: "is a zip archive of something else",
            comparison: .values(
                found: archive.members.prefix(3).map { "'\($0.name)'" }.joined(separator: ", "),
                expected: "data.pkl as of PyTorch, or arrays as of NumPy"))
    }
}

extension CheckpointOpener {
    /// Opens a checkpoint to describe it: a delta also where its base is not there, but its content can then not be
    /// read.
    ///
    /// - Throws: As ``open(_:bases:)`` but for what concerns the base.
    public static func openForDescription(
        _ path: FilePath, bases: BaseSearch = .standardOfAnyFormat
    ) throws(CheckpointError) -> any CheckpointSource {
        do throws(CheckpointError) {
            return try open(path, bases: bases)
        } catch {
            guard error.path == path, error.place.section == "base",
                let reader = try? CheckpointReader(pathOfDeltaWithoutBase: path)
            else { throw error }
            return CruxSource(reader)
        }
    }

    /// Opens a checkpoint as the base of deltas.
    ///
    /// - Throws: As ``open(_:bases:)``.
    public static func openBase(
        _ path: FilePath, bases: BaseSearch = .standardOfAnyFormat
    ) throws(CheckpointError) -> any DeltaBase {
        let source = try open(path, bases: bases)
        return (source as? CruxSource)?.reader ?? SourceBase(source)
    }
}

extension BaseSearch {
    /// Finds bases of any format in what the environment names; see ``CheckpointFormat/BaseSearch/standard``.
    public static var standardOfAnyFormat: BaseSearch {
        var search = BaseSearch.standard
        search.open = { path, search, check throws(CheckpointError) in
            if let file = try? InputFile(path: path), try CheckpointSignature(of: file) == .crux {
                return try CheckpointReader.open(path: path, bases: search, check: check)
            }
            let base = SourceBase(try CheckpointOpener.open(path, bases: search))
            try check(base)
            return base
        }
        return search
    }
}

/// What a file is, judged by its first bytes.
enum CheckpointSignature {
    case crux, safetensors, json, gguf, zip, pytorch, npy, unknown

    init(of file: InputFile) throws(CheckpointError) {
        let start = try file.read(0..<min(file.byteCount, 16))
        if start.starts(with: Format.headerMagic) {
            self = .crux
        } else if start.starts(with: Array("GGUF".utf8)) {
            self = .gguf
        } else if start.starts(with: Array("PK\u{3}\u{4}".utf8)) || start.starts(with: Array("PK\u{5}\u{6}".utf8)) {
            self = .zip
        } else if start.starts(with: PyTorchSource.legacyMagic) {
            self = .pytorch
        } else if start.starts(with: NPYHeader.magic) {
            self = .npy
        } else if start.count > 8, Self.isJSON(start[8...]), Self.length(start) <= UInt64(file.byteCount - 8) {
            self = .safetensors
        } else if Self.isJSON(start[...]) {
            // As a length, its first eight bytes would be far beyond what safetensors allows.
            self = .json
        } else {
            self = .unknown
        }
    }

    private static func isJSON(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
    }

    private static func length(_ bytes: [UInt8]) -> UInt64 {
        bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
