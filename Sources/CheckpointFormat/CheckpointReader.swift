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
    /// The file's size.
    public let fileByteCount: Int
    /// The root of the file's hash tree.
    public let fileDigest: Digest128
    /// The digest of the tensors with the role weight: names the model, whatever file it is in.
    public let weightsDigest: Digest128

    /// What a delta says of its base; nil for a file that is no delta.
    public let baseReference: BaseReference?

    package let file: InputFile
    /// The base of a delta; nil for other files, and where it was opened without.
    package let base: (any DeltaBase)?
    private let positions: [String: Int]

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
        fileByteCount = file.byteCount
        fileDigest = structure.trailer.fileDigest
        weightsDigest = structure.index.weightsDigest
        tensors = structure.index.entries.compactMap { $0.tensor?.stored }
        // The index has refused names that occur twice.
        positions = Dictionary(
            tensors.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }

    /// The tensor of a name, or nil where there is none.
    public func tensor(named name: String) -> StoredTensor? { positions[name].map { tensors[$0] } }

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
                try unsafe read(tensor, into: UnsafeMutableRawBufferPointer(buffer))
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
        let decoder = ChunkDecoder()
        var content: [UInt8] = []
        for chunk in tensor.chunks {
            content.resize(to: chunk.contentRange.count)
            var span = content.mutableSpan
            var bytes = unsafe span.mutableBytes
            try decoder.read(chunk, of: tensor, from: file, base: base, into: &bytes)
            try body(chunk.contentRange, bytes.bytes)
        }
    }

    @unsafe
    private func read(_ tensor: StoredTensor, into buffer: UnsafeMutableRawBufferPointer) throws(CheckpointError) {
        let workerCount = min(Platform.processorCount, max(1, tensor.chunks.count))
        let decoders = (0..<workerCount).map { _ in ChunkDecoder() }
        let failures = FirstFailure()
        ParallelTasks.run(taskCount: tensor.chunks.count, workerCount: workerCount) { task, worker in
            let chunk = tensor.chunks[task]
            guard !failures.isSet else { return }
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[chunk.contentRange])
            var content = unsafe part.mutableBytes
            do throws(CheckpointError) {
                try decoders[worker].read(chunk, of: tensor, from: file, base: base, into: &content)
            } catch {
                failures.set(error, at: task)
            }
        }
        if let failure = failures.value { throw failure }
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
