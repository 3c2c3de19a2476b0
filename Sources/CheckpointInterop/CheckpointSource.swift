public import CheckpointFormat
public import Codecs
public import SystemPackage
public import TensorCore

/// A checkpoint of any format, read tensor by tensor.
///
/// Opening reads what describes the tensors; their bytes are read chunk by chunk, in any order, from any
/// number of threads at once. Every checksum that the format has is checked as its bytes are read.
public protocol CheckpointSource: Sendable {
    /// The file; for shards, the index.
    var path: FilePath { get }
    /// The kind of file.
    var format: CheckpointFileFormat { get }
    /// The version of the format as it is usually written; nil for formats that have none.
    var formatVersion: String? { get }
    /// The metadata in the file's order.
    var metadata: Metadata { get }
    /// The tensors in the file's order.
    var tensors: [TensorDescription] { get }
    /// The size of the file, or of all files together, in bytes.
    var fileByteCount: Int { get }
    /// What the file holds beyond tensors and metadata; it is not kept when the checkpoint is written anew.
    var omissions: [Omission] { get }
    /// The tensor of that name.
    func tensor(named name: String) -> TensorDescription?
    /// How a tensor of this checkpoint is stored.
    func storage(of tensor: TensorDescription) -> TensorStorage
    /// Replaces the buffer's content by the bytes of one chunk, counted from 0.
    ///
    /// The chunks of a tensor, joined in order, are its little-endian row-major content.
    ///
    /// - Throws: ``CheckpointError`` for a tensor or chunk that the checkpoint lacks, for damage, and where
    ///   the file cannot be read.
    func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError)
}

/// The formats of checkpoint files that can be opened.
public enum CheckpointFileFormat: String, CaseIterable, Codable, Hashable, Sendable {
    /// Crux's own format.
    case crux
    /// One safetensors file.
    case safetensors
    /// Several safetensors files and their index.
    case shardedSafetensors = "sharded safetensors"
    /// GGUF, as of llama.cpp.
    case gguf = "GGUF"
    /// A file of `torch.save`.
    case pytorch = "PyTorch"
    /// Several files of `torch.save` and their index.
    case shardedPyTorch = "sharded PyTorch"
    /// Several arrays of NumPy.
    case npz
    /// One array of NumPy.
    case npy
}

/// Something in a file that is neither tensor nor metadata, and not kept when the checkpoint is written anew.
public struct Omission: Codable, Hashable, Sendable {
    /// What it is, in words that follow "not kept: ".
    public let description: String
    /// Whether it says something about the model, so that a conversion without it loses something; otherwise
    /// it is a matter of the file alone.
    public let isContent: Bool

    /// Describes what is not kept.
    public init(_ description: String, isContent: Bool = false) {
        self.description = description
        self.isContent = isContent
    }
}

/// How a tensor is stored.
public struct TensorStorage: Hashable, Sendable {
    /// The size of the stored content in bytes, without the format's own records.
    public let storedByteCount: Int
    /// The number of chunks that can be read on their own.
    public let chunkCount: Int
    /// The codecs of the chunks, each once; `raw` where nothing is encoded.
    public let codecNames: [String]
    /// The digest of the content that the file stores; nil where the format has none.
    public let digest: Digest128?
    /// The content bytes of every chunk but the last; nil where chunks are of several sizes, or reading one means
    /// reading those before it, so that nobody gains by starting in the middle.
    public let chunkByteCount: Int?

    /// Describes the storage of a tensor.
    public init(
        storedByteCount: Int, chunkCount: Int, codecNames: [String], digest: Digest128?, chunkByteCount: Int? = nil
    ) {
        self.storedByteCount = storedByteCount
        self.chunkCount = chunkCount
        self.chunkByteCount = chunkByteCount
        self.codecNames = codecNames
        self.digest = digest
    }
}

extension CheckpointSource {
    /// Nothing, for formats whose files hold nothing else.
    public var omissions: [Omission] { [] }

    /// Reads a tensor chunk by chunk; `body` gets the range of bytes and the bytes themselves.
    ///
    /// - Throws: ``CheckpointError`` as ``readChunk(_:of:into:)``, and what `body` throws.
    public func forEachChunk(
        of tensor: TensorDescription, _ body: (Range<Int>, RawSpan) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try checkHolds(tensor)
        var buffer: [UInt8] = []
        var start = 0
        for chunk in 0..<storage(of: tensor).chunkCount {
            try readChunk(chunk, of: tensor, into: &buffer)
            let range = start..<(start + buffer.count)
            try unsafe body(range, buffer.span.bytes)
            start = range.upperBound
        }
    }

    /// All bytes of a tensor.
    public func readBytes(of tensor: TensorDescription) throws(CheckpointError) -> [UInt8] {
        try checkHolds(tensor)
        var (bytes, buffer): ([UInt8], [UInt8]) = ([], [])
        bytes.reserveCapacity(tensor.byteCount)
        for chunk in 0..<storage(of: tensor).chunkCount {
            try readChunk(chunk, of: tensor, into: &buffer)
            bytes.append(contentsOf: buffer)
        }
        return bytes
    }

    /// The digest of a tensor's content: the stored one, else computed from the bytes.
    public func digest(of tensor: TensorDescription) throws(CheckpointError) -> Digest128 {
        try checkHolds(tensor)
        if let digest = storage(of: tensor).digest { return digest }
        return try computedDigest(of: tensor)
    }

    /// The digest of a tensor's content, computed from the bytes even where one is stored.
    public func computedDigest(of tensor: TensorDescription) throws(CheckpointError) -> Digest128 {
        try checkHolds(tensor)
        var digester = TensorDigester()
        var buffer: [UInt8] = []
        for chunk in 0..<storage(of: tensor).chunkCount {
            try readChunk(chunk, of: tensor, into: &buffer)
            unsafe digester.update(buffer.span.bytes)
        }
        return digester.finalize(dtype: tensor.dtype, shape: tensor.shape)
    }

    /// Checks that a description is one of ``tensors``, as another would have no bytes here.
    private func checkHolds(_ tensor: TensorDescription) throws(CheckpointError) {
        guard self.tensor(named: tensor.name) == tensor else {
            throw CheckpointError(
                .missing, path: path, place: CheckpointPlace(tensor: tensor.name),
                problem: "there is no such tensor of \(tensor.dtype.rawValue) \(tensor.shape)")
        }
    }

    /// The digest of all weights (``TensorRole/weight``): the same whatever the format.
    public func weightsDigest() throws(CheckpointError) -> Digest128 {
        var weights: [(name: String, digest: Digest128)] = []
        for tensor in tensors where tensor.role == .weight { weights.append((tensor.name, try digest(of: tensor))) }
        return ContentDigest.weights(of: weights)
    }
}
