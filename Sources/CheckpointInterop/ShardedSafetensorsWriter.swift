public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// Writes safetensors files of a limited size and their index into a folder, as `transformers` does.
///
/// A file gets tensors in the given order until the next would not fit; one that is larger than the limit has a file
/// of its own. Where all fit, there is one file, `model.safetensors`, and no index. The metadata stands in the first
/// file; the entry `format` in each, as `transformers` asks for it. The folder appears under its name only when it is
/// complete.
public final class ShardedSafetensorsWriter: TensorFileWriter {
    /// The tensors in the order in which their bytes have to come.
    public let tensors: [TensorDescription]
    private let folder: OutputFolder
    private let finishesFolder: Bool
    private let metadata: Metadata
    private let shards: [[TensorDescription]]
    /// The number of shards that are finished or being written.
    private var begun = 0
    private var writer: SafetensorsWriter?
    /// The bytes of the current shard that are still to come.
    private var missing = 0

    /// Begins a folder.
    ///
    /// - Parameters:
    ///   - path: Must not exist, or be empty.
    ///   - shardByteCount: The most bytes of tensors in a file.
    ///   - metadata: As ``Conversion`` keeps it.
    ///   - tensors: In the order in which they are spread over the files.
    /// - Throws: ``CheckpointError`` for a tensor that the format cannot hold, and where the folder cannot be created.
    public static func create(
        at path: FilePath, shardByteCount: Int, metadata: Metadata, tensors: some Sequence<TensorDescription>
    ) throws(CheckpointError) -> ShardedSafetensorsWriter {
        try ShardedSafetensorsWriter(
            into: OutputFolder(at: path), finishesFolder: true, shardByteCount: shardByteCount, metadata: metadata,
            tensors: tensors)
    }

    /// Begins the files in a folder, which is finished with them or left to the caller.
    init(
        into folder: OutputFolder, finishesFolder: Bool, shardByteCount: Int, metadata: Metadata,
        tensors: some Sequence<TensorDescription>
    ) {
        var (shards, size): ([[TensorDescription]], Int) = ([[]], 0)
        for tensor in tensors {
            if size > 0, tensor.byteCount > max(0, shardByteCount - size) {
                shards.append([])
                size = 0
            }
            shards[shards.count - 1].append(tensor)
            size += tensor.byteCount
        }
        self.folder = folder
        self.finishesFolder = finishesFolder
        self.metadata = metadata
        self.shards = shards
        self.tensors = shards.flatMap { SafetensorsHeader(metadata: [:], tensors: $0).entries.map(\.description) }
    }

    private func name(ofShard index: Int) -> String {
        func padded(_ number: Int) -> String {
            let digits = "\(number)"
            return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
        }
        return shards.count == 1
            ? "model.safetensors" : "model-\(padded(index + 1))-of-\(padded(shards.count)).safetensors"
    }

    /// Adds the next bytes of the tensors, in pieces of any size.
    ///
    /// - Throws: ``CheckpointError`` where there are more than the tensors have, or a file cannot be written.
    public func write(_ bytes: RawSpan) throws(CheckpointError) {
        var offset = 0
        while offset < bytes.byteCount {
            while missing == 0 { try beginShard(found: "more bytes") }
            let count = min(missing, bytes.byteCount - offset)
            try writer?.write(bytes.extracting(offset..<offset + count))
            offset += count
            missing -= count
        }
    }

    /// Finishes the last file, writes the index and gives the folder its name.
    ///
    /// - Throws: ``CheckpointError`` where bytes are missing, or a file cannot be written.
    public func finish() throws(CheckpointError) {
        while begun < shards.count { try beginShard(found: "fewer bytes") }
        try writer?.finish()
        if shards.count > 1 { try folder.write(index, to: "model.safetensors.index.json") }
        if finishesFolder { try folder.finish() }
    }

    private func beginShard(found: String) throws(CheckpointError) {
        guard missing == 0, begun < shards.count else {
            throw CheckpointError(
                .invalid, path: folder.unfinished, problem: "another number of bytes than the tensors have",
                comparison: .values(found: found, expected: "\(tensors.reduce(0) { $0 + $1.byteCount })"))
        }
        try writer?.finish()
        let shard = shards[begun]
        let own = begun == 0 ? metadata : metadata.filter { $0.key == "format" }
        writer = try SafetensorsWriter.create(
            at: folder.unfinished.appending(name(ofShard: begun)),
            metadata: TypedMetadata.strings(metadata: own, tensors: shard), tensors: shard)
        missing = shard.reduce(0) { $0 + $1.byteCount }
        begun += 1
    }

    private var index: String {
        var json = JSONText()
        json.append(
            verbatim: "{\"metadata\":{\"total_size\":\(tensors.reduce(0) { $0 + $1.byteCount })},\"weight_map\":")
        let places = shards.enumerated().flatMap { index, shard in shard.map { ($0.name, name(ofShard: index)) } }
        json.append("{", places, "}}\n") { json, place in
            json.append(string: place.0)
            json.append(verbatim: ":")
            json.append(string: place.1)
        }
        return json.string
    }
}
