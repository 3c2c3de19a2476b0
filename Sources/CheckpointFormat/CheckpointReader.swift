public import Codecs
public import OrderedCollections
public import SystemPackage
internal import TensorCore

/// A checkpoint file, open for reading any tensor.
///
/// Opening reads header, trailer, index and metadata; every size in them is checked against the file before it
/// is used. Reading a tensor reads that tensor's bytes alone, and checks them always.
public final class CheckpointReader: Sendable {
    /// The path it was opened with.
    public let path: FilePath
    /// The version of the writer.
    public let formatVersion: Int
    /// The features that a reader must know to read this file.
    public let requiredFeatures: CheckpointFeatures
    /// Keys and values.
    public let metadata: Metadata
    /// The tensors in the order of the file.
    public let tensors: [StoredTensor]
    /// The file's size; with that of its shards, where it lists some.
    public let fileByteCount: Int
    /// The root of the file's hash tree.
    public let fileDigest: Digest128
    /// The digest of the tensors with the role weight: names the model, whatever file it is in.
    public let weightsDigest: Digest128

    /// What a delta says of its base; nil for a file that is no delta.
    public let baseReference: BaseReference?

    /// The files that hold the tensors; empty where this file holds them itself.
    public let shards: [ShardReference]

    package let file: InputFile
    private let shardReaders: [CheckpointReader]
    /// The base of a delta; nil for other files, and where it was opened without.
    package let base: (any DeltaBase)?
    let decoders = DecoderPool()
    /// Where each tensor is, by its name: in ``tensors``, and which shard it lies in.
    private let positions: [String: (tensor: Int, shard: Int)]

    /// Opens a checkpoint; of a delta, its base as well.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - bases: Where the base of a delta is looked for.
    /// - Throws: ``CheckpointError``: `missing` or `io` where the file cannot be read, `notACheckpoint`,
    ///   `unsupportedVersion`, `truncated`, `damaged` or `invalid`, with the place, where it is not whole; for a
    ///   delta `missing` where no base is found and `wrongBase` where another checkpoint is in its place.
    public convenience init(path: FilePath, bases: BaseSearch = .standard) throws(CheckpointError) {
        let file = try InputFile(path: path)
        let structure = try FileStructure(file)
        try self.init(file: file, structure: structure, base: try structure.openBase(of: file, bases))
    }

    /// Opens a checkpoint that need not be readable: of a delta without its base, the chunks that refer to the base
    /// cannot be read.
    package convenience init(pathOfDeltaWithoutBase path: FilePath) throws(CheckpointError) {
        let file = try InputFile(path: path)
        try self.init(file: file, structure: try FileStructure(file), base: nil)
    }

    /// Opens a checkpoint, and the base that it may have only where the check of what the file itself says passes.
    package static func open(
        path: FilePath, bases: BaseSearch, check: BaseSearch.Check
    ) throws(CheckpointError) -> CheckpointReader {
        let file = try InputFile(path: path)
        let structure = try FileStructure(file)
        let reader = try CheckpointReader(file: file, structure: structure, base: nil)
        try check(reader)
        guard reader.baseReference != nil else { return reader }
        return try CheckpointReader(file: file, structure: structure, base: try structure.openBase(of: file, bases))
    }

    private init(file: InputFile, structure: FileStructure, base: (any DeltaBase)?) throws(CheckpointError) {
        path = file.path
        self.file = file
        self.base = base
        baseReference = try structure.readBase(file)
        metadata = try structure.readMetadata(file)
        formatVersion = Int(structure.header.writeVersion)
        requiredFeatures = structure.header.requiredFeatures
        fileDigest = structure.trailer.fileDigest
        weightsDigest = structure.index.weightsDigest
        shards = try structure.readShards(file)
        var readers: [CheckpointReader] = []
        for shard in shards {
            let (file, structure) = try file.openShard(shard)
            readers.append(try CheckpointReader(file: file, structure: structure, base: nil))
        }
        shardReaders = readers
        fileByteCount = readers.reduce(file.byteCount) { $0 + $1.fileByteCount }
        let own = structure.index.entries.compactMap { $0.tensor?.stored }
        tensors = readers.reduce(into: own) { $0 += $1.tensors }
        var positions: [String: (tensor: Int, shard: Int)] = [:]
        positions.reserveCapacity(tensors.count)
        // The index of one file has refused names that occur twice in it.
        for (index, tensor) in own.enumerated() { positions[tensor.name] = (index, 0) }
        for (shard, reader) in readers.enumerated() {
            for tensor in reader.tensors {
                guard positions.updateValue((positions.count, shard), forKey: tensor.name) == nil else {
                    throw CheckpointError(
                        .invalid, path: reader.path, place: CheckpointPlace(tensor: tensor.name),
                        problem: "a tensor of another shard has this name")
                }
            }
        }
        self.positions = positions
        guard readers.isEmpty || Self.weightsDigest(of: readers) == weightsDigest else {
            throw CheckpointError.checksumMismatch(
                path: path, place: CheckpointPlace(section: "index", field: "weights digest"),
                stored: weightsDigest.hex, computed: Self.weightsDigest(of: readers).hex)
        }
    }

    /// Whether a file is a list of shards, by its header.
    package static func listsShards(_ path: FilePath) -> Bool {
        guard let file = try? InputFile(path: path), file.byteCount >= Format.blockByteCount,
            let bytes = try? file.read(0..<Format.blockByteCount),
            let header = try? FileHeader.decode(bytes, path: path)
        else { return false }
        return header.requiredFeatures.contains(.shards)
    }

    private static func weightsDigest(of readers: [CheckpointReader]) -> Digest128 {
        ContentDigest.weights(
            of: readers.flatMap { $0.tensors.filter { $0.description.role == .weight } }.map { ($0.name, $0.digest) })
    }

    /// The file that holds a tensor: this one, or a shard.
    func holder(of tensor: StoredTensor) -> CheckpointReader {
        guard !shardReaders.isEmpty, let position = positions[tensor.name] else { return self }
        return shardReaders[position.shard]
    }

    /// The tensor of a name, or nil where there is none.
    public func tensor(named name: String) -> StoredTensor? { positions[name].map { tensors[$0.tensor] } }

    /// The tensor of a name.
    ///
    /// - Throws: ``CheckpointError`` of kind `missing`.
    public func requiredTensor(named name: String) throws(CheckpointError) -> StoredTensor {
        guard let tensor = tensor(named: name) else {
            throw CheckpointError(
                .missing, path: path, place: CheckpointPlace(tensor: name), problem: "there is no such tensor")
        }
        return tensor
    }

    /// A tensor's content: little-endian, row-major, checked against its digests.
    ///
    /// - Throws: ``CheckpointError``; `io` for more content than the machine has memory, which a small file can
    ///   declare where one pattern repeats. ``forEachChunk(of:_:)`` reads such a tensor.
    public func readBytes(of tensor: StoredTensor) throws(CheckpointError) -> [UInt8] {
        guard tensor.description.byteCount < Platform.memoryByteCount else {
            throw CheckpointError(
                .io, path: path, place: CheckpointPlace(tensor: tensor.name),
                problem: "the content of \(tensor.description.byteCount) bytes does not fit into memory")
        }
        var failure: CheckpointError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: tensor.description.byteCount) { buffer, count in
            do throws(CheckpointError) {
                var content = unsafe UnsafeMutableRawBufferPointer(buffer).mutableBytes
                try read([tensor], at: [0], into: &content)
                count = tensor.description.byteCount
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// A tensor's elements as floats: F32 and F16, BF16 exactly, F64 rounded to nearest.
    ///
    /// - Throws: ``CheckpointError``: `missing`; `invalid` for types that are not floats of 16 bits or more.
    public func readFloats(named name: String) throws(CheckpointError) -> [Float] {
        let tensor = try requiredTensor(named: name)
        let dtype = tensor.description.dtype
        guard [.f32, .f16, .bf16, .f64].contains(dtype) else {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(tensor: name),
                problem: "the elements cannot be read as floats",
                comparison: .values(found: dtype.rawValue, expected: "F32, F16, BF16 or F64"))
        }
        let bytes = try readBytes(of: tensor)
        let count = tensor.description.elementCount
        return unsafe [Float](unsafeUninitializedCapacity: count) { floats, initialized in
            let raw = unsafe bytes.span.bytes
            for index in 0..<count {
                unsafe floats.initializeElement(
                    at: index,
                    to: dtype == .f32
                        ? Float(bitPattern: raw.word(at: index)) : raw.float(at: index, of: dtype))
            }
            initialized = count
        }
    }

    /// Hands out a tensor's content chunk by chunk, checked, with a chunk of memory.
    ///
    /// - Parameters:
    ///   - tensor: One of ``tensors``.
    ///   - body: Is given the content's range in the tensor and its bytes.
    public func forEachChunk(
        of tensor: StoredTensor, _ body: (_ byteRange: Range<Int>, _ bytes: RawSpan) throws -> Void
    ) throws {
        var content: [UInt8] = []
        for chunk in tensor.chunks {
            try readChunk(chunk.index, of: tensor, into: &content)
            try body(chunk.contentRange, unsafe content.span.bytes)
        }
    }
}

extension RawSpan {
    fileprivate func word<Word: FixedWidthInteger & BitwiseCopyable>(at index: Int) -> Word {
        unsafe Word(
            littleEndian: unsafeLoadUnaligned(fromByteOffset: index * MemoryLayout<Word>.size, as: Word.self))
    }

    fileprivate func float(at index: Int, of dtype: DType) -> Float {
        switch dtype {
        case .f16: Float(Float16(bitPattern: word(at: index)))
        case .bf16: Float(BFloat16(bitPattern: word(at: index)))
        default: Float(Double(bitPattern: word(at: index)))
        }
    }
}
