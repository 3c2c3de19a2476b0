public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// Several safetensors or PyTorch files opened as one through their index, `model.safetensors.index.json` or
/// `pytorch_model.bin.index.json`.
///
/// Index and files must agree on which tensor lies where. The metadata of all files is joined; where files
/// have different values for a key, each value keeps its own entry, named `<key> (<file>)` from the second on.
public struct ShardedSource: CheckpointSource {
    /// The index.
    public let path: FilePath
    /// What the files are; safetensors where there is none.
    public let format: CheckpointFileFormat
    /// The version of the first file's format.
    public let formatVersion: String?
    /// The metadata of all files.
    public let metadata: Metadata
    /// The tensors, file by file in the order of the index.
    public let tensors: [TensorDescription]
    /// The size of the index and all files in bytes.
    public let fileByteCount: Int
    /// What each file holds beyond tensors and metadata.
    public let omissions: [Omission]
    private let shards: [any CheckpointSource]
    /// Each tensor's index in ``tensors`` and its file's in ``shards``.
    private let places: [String: (index: Int, shard: Int)]

    /// Opens an index and all files that it names, which lie beside it.
    ///
    /// - Throws: ``CheckpointError`` for a file name that leads out of the folder, a missing file, one that
    ///   breaks a rule of its format, files of two formats, and a tensor that is not where the index says.
    public init(path: FilePath) throws(CheckpointError) {
        self.path = path
        let file = try InputFile(path: path)
        let index = try Self.index(in: file)
        let folder = path.removingLastComponent()
        var shards: [any CheckpointSource] = []
        var tensors: [TensorDescription] = []
        var places: [String: (index: Int, shard: Int)] = [:]
        var unheld: Set<String> = []
        var metadata: Metadata = [:]
        for name in index.files {
            let shard = try Self.shard(at: folder.appending(name))
            if let first = shards.first, first.format != shard.format {
                throw CheckpointError(
                    .invalid, path: path, place: CheckpointPlace(field: "weight_map"),
                    problem: "names files of different formats",
                    comparison: .values(
                        found: "\(name), which is \(shard.format.rawValue)",
                        expected: "\(first.format.rawValue) as \(first.path.lastComponent?.string ?? "")"))
            }
            func checkIsListed(_ tensor: String) throws(CheckpointError) {
                guard index.fileByTensor[tensor] != name else { return }
                throw Self.disagreement(
                    path, tensor, found: "the tensor in \(name)",
                    expected: index.fileByTensor[tensor].map { "it in \($0)" } ?? "no such tensor")
            }
            for tensor in shard.tensors {
                try checkIsListed(tensor.name)
                places[tensor.name] = (tensors.count, shards.count)
                tensors.append(tensor)
            }
            for tensor in (shard as? PyTorchSource)?.unheldTensors ?? [] {
                try checkIsListed(tensor)
                unheld.insert(tensor)
            }
            for (key, value) in shard.metadata where metadata[key] != value {
                metadata[metadata[key] == nil ? key : "\(key) (\(name))"] = value
            }
            shards.append(shard)
        }
        for (tensor, name) in index.fileByTensor where places[tensor] == nil && !unheld.contains(tensor) {
            throw Self.disagreement(path, tensor, found: "no such tensor in \(name)", expected: "it there")
        }
        format = shards.first?.format == .pytorch ? .shardedPyTorch : .shardedSafetensors
        formatVersion = shards.first?.formatVersion
        omissions = zip(index.files, shards).flatMap { name, shard in
            shard.omissions.map { Omission("in \(name), \($0.description)", isContent: $0.isContent) }
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

    private static func shard(at path: FilePath) throws(CheckpointError) -> any CheckpointSource {
        switch try CheckpointSignature(of: InputFile(path: path)) {
        case .zip, .pytorch: try PyTorchSource(path: path)
        // Its reader says what is wrong with anything else.
        default: try SafetensorsSource(path: path)
        }
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
