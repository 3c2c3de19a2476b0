public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// Several safetensors files opened as one through their index, `model.safetensors.index.json`.
///
/// Index and files must agree on which tensor lies where. The metadata of all files is joined; where files
/// have different values for a key, each value keeps its own entry, named `<key> (<file>)` from the second on.
public struct ShardedSafetensorsSource: CheckpointSource {
    /// The index.
    public let path: FilePath
    /// Always this kind.
    public let format = CheckpointFileFormat.shardedSafetensors
    /// Nil: the format has no version.
    public let formatVersion: String? = nil
    /// The metadata of all files.
    public let metadata: Metadata
    /// The tensors, file by file in the order of the index.
    public let tensors: [TensorDescription]
    /// The size of the index and all files in bytes.
    public let fileByteCount: Int
    private let shards: [SafetensorsSource]
    /// Each tensor's index in ``tensors`` and its file's in ``shards``.
    private let places: [String: (index: Int, shard: Int)]

    /// Opens an index and all files that it names, which lie beside it.
    ///
    /// - Throws: ``CheckpointError`` for a file name that leads out of the folder, a missing file, one that
    ///   breaks a rule of its format, and a tensor that is not where the index says.
    public init(path: FilePath) throws(CheckpointError) {
        self.path = path
        let file = try InputFile(path: path)
        let index = try Self.index(in: file)
        let folder = path.removingLastComponent()
        var shards: [SafetensorsSource] = []
        var tensors: [TensorDescription] = []
        var places: [String: (index: Int, shard: Int)] = [:]
        var metadata: Metadata = [:]
        for name in index.files {
            let shard = try SafetensorsSource(path: folder.appending(name))
            for tensor in shard.tensors {
                guard index.fileByTensor[tensor.name] == name else {
                    throw Self.disagreement(
                        path, tensor.name, found: "the tensor in \(name)",
                        expected: index.fileByTensor[tensor.name].map { "it in \($0)" } ?? "no such tensor")
                }
                places[tensor.name] = (tensors.count, shards.count)
                tensors.append(tensor)
            }
            for (key, value) in shard.metadata where metadata[key] != value {
                metadata[metadata[key] == nil ? key : "\(key) (\(name))"] = value
            }
            shards.append(shard)
        }
        for (tensor, name) in index.fileByTensor where places[tensor] == nil {
            throw Self.disagreement(path, tensor, found: "no such tensor in \(name)", expected: "it there")
        }
        self.metadata = metadata
        self.tensors = tensors
        self.places = places
        self.shards = shards
        fileByteCount = shards.reduce(file.byteCount) { $0 + $1.fileByteCount }
    }

    /// The tensor of that name.
    public func tensor(named name: String) -> TensorDescription? { places[name].map { tensors[$0.index] } }

    /// How a tensor of this checkpoint is stored.
    public func storage(of tensor: TensorDescription) -> TensorStorage {
        places[tensor.name].map { shards[$0.shard].storage(of: tensor) }
            ?? TensorStorage(storedByteCount: 0, chunkCount: 0, codecNames: [], digest: nil)
    }

    /// Replaces the buffer's content by one chunk; see ``CheckpointSource/readChunk(_:of:into:)``.
    public func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        guard let place = places[tensor.name] else {
            throw CheckpointError.noSuchChunk(chunk, of: tensor, path: path)
        }
        try shards[place.shard].readChunk(chunk, of: tensor, into: &buffer)
    }

    /// Reads the index, of at most as many bytes as a header may have.
    private static func index(in file: InputFile) throws(CheckpointError) -> ShardIndex {
        guard file.byteCount <= SafetensorsHeader.byteCountLimit else {
            throw CheckpointError(
                .invalid, path: file.path, problem: "the index is too long",
                comparison: .values(
                    found: "\(file.byteCount) bytes", expected: "at most \(SafetensorsHeader.byteCountLimit)"))
        }
        let json = try file.read(0..<file.byteCount)
        do throws(JSONScanner.Failure) {
            return try ShardIndex(json: json)
        } catch {
            throw CheckpointError(
                .invalid, path: file.path, place: CheckpointPlace(byteRange: error.offset..<error.offset + 1),
                problem: "is not an index of shards",
                comparison: .values(found: error.found, expected: error.expected))
        }
    }

    private static func disagreement(
        _ path: FilePath, _ tensor: String, found: String, expected: String
    ) -> CheckpointError {
        CheckpointError(
            .invalid, path: path, place: CheckpointPlace(tensor: tensor, field: "weight_map"),
            problem: "index and files disagree", comparison: .values(found: found, expected: expected))
    }
}
