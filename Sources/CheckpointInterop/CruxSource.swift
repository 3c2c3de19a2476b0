public import CheckpointFormat
public import SystemPackage
public import TensorCore

/// A checkpoint in crux's own format.
public struct CruxSource: CheckpointSource {
    /// The reader behind it.
    public let reader: CheckpointReader
    /// The tensors in the order of the file.
    public let tensors: [TensorDescription]

    /// Opens a file.
    ///
    /// - Parameter bases: Where the base of a delta is looked for.
    /// - Throws: As ``CheckpointFormat/CheckpointReader/init(path:bases:)``.
    public init(path: FilePath, bases: BaseSearch = .standardOfAnyFormat) throws(CheckpointError) {
        self.init(try CheckpointReader(path: path, bases: bases))
    }

    /// Takes a reader.
    public init(_ reader: CheckpointReader) {
        self.reader = reader
        tensors = reader.tensors.map(\.description)
    }

    /// The file.
    public var path: FilePath { reader.path }
    /// Always this kind.
    public var format: CheckpointFileFormat { .crux }
    /// The version of the file's writer.
    public var formatVersion: String? { "\(reader.formatVersion)" }
    /// The metadata in the order of the file.
    public var metadata: Metadata { reader.metadata }
    /// The size of the file in bytes.
    public var fileByteCount: Int { reader.fileByteCount }

    /// The tensor of that name.
    public func tensor(named name: String) -> TensorDescription? { reader.tensor(named: name)?.description }

    /// How a tensor of this checkpoint is stored.
    public func storage(of tensor: TensorDescription) -> TensorStorage {
        guard let stored = reader.tensor(named: tensor.name) else {
            return TensorStorage(storedByteCount: 0, chunkCount: 0, codecNames: [], digest: nil)
        }
        return TensorStorage(
            storedByteCount: stored.storedByteCount, chunkCount: stored.chunks.count, codecNames: stored.codecNames,
            digest: stored.digest, chunkByteCount: stored.chunkByteCount)
    }

    /// Replaces the buffer's content by one chunk; see ``CheckpointSource/readChunk(_:of:into:)``.
    public func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        try reader.readChunk(chunk, of: try reader.requiredTensor(named: tensor.name), into: &buffer)
    }
}
