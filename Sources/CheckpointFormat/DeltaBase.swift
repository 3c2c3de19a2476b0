public import Codecs
public import SystemPackage
public import TensorCore

/// A checkpoint of any format that deltas are stored against.
///
/// Its tensors are found by name; its content is read from several threads at once.
public protocol DeltaBase: Sendable {
    /// The file.
    var path: FilePath { get }
    /// The tensor of a name, or nil where there is none.
    func description(ofTensor name: String) -> TensorDescription?
    /// The digest of a tensor's content; computed, once, where the format stores none.
    func contentDigest(ofTensor name: String) throws(CheckpointError) -> Digest128
    /// The digest of all weights.
    func baseWeightsDigest() throws(CheckpointError) -> Digest128
    /// Fills a span with part of a tensor's content.
    ///
    /// - Parameters:
    ///   - range: The part, as large as the span.
    ///   - name: A tensor that is there.
    ///   - content: Where the bytes go.
    ///   - scratch: Memory that is reused from call to call of one thread.
    func readContent(
        _ range: Range<Int>, ofTensor name: String, into content: inout MutableRawSpan, scratch: BaseScratch
    ) throws(CheckpointError)
}

/// Memory for reading a base. One thread at a time.
public final class BaseScratch {
    /// A chunk of the base.
    public var chunk: [UInt8] = []
    /// For bases in crux's own format.
    private var lazyDecoder: ChunkDecoder?

    /// Begins empty.
    public init() {}

    var decoder: ChunkDecoder {
        if let lazyDecoder { return lazyDecoder }
        let decoder = ChunkDecoder()
        lazyDecoder = decoder
        return decoder
    }
}

extension DeltaBase {
    /// Checks that the base is the one that a delta's tensors were stored against.
    ///
    /// - Throws: `wrongBase` naming the first tensor that is not there or has other content.
    func check(isBaseOf tensors: [StoredTensor], of reference: BaseReference) throws(CheckpointError) {
        func wrong(_ tensor: StoredTensor, _ what: String, _ found: String, _ expected: String) -> CheckpointError {
            CheckpointError(
                .wrongBase, path: path, place: CheckpointPlace(tensor: tensor.name, field: what),
                problem: "this is not the delta's base, whose weights are \(reference.weightsDigest.hex)",
                comparison: .values(found: found, expected: expected))
        }
        // What costs nothing first.
        for tensor in tensors where tensor.baseDigest != nil {
            let expected = tensor.description
            guard let found = description(ofTensor: tensor.name) else {
                throw wrong(tensor, "name", "no such tensor", "\(expected)")
            }
            guard found.dtype == expected.dtype, found.shape == expected.shape else {
                throw wrong(tensor, "type and shape", "\(found)", "\(expected)")
            }
        }
        for tensor in tensors {
            guard let expected = tensor.baseDigest else { continue }
            let found = try contentDigest(ofTensor: tensor.name)
            guard found == expected else { throw wrong(tensor, "digest", found.hex, expected.hex) }
        }
    }
}

extension CheckpointReader: DeltaBase {
    /// The tensor of a name, or nil where there is none.
    public func description(ofTensor name: String) -> TensorDescription? { tensor(named: name)?.description }

    /// The digest that the file stores.
    public func contentDigest(ofTensor name: String) throws(CheckpointError) -> Digest128 {
        try requiredTensor(named: name).digest
    }

    /// The digest that the file stores.
    public func baseWeightsDigest() throws(CheckpointError) -> Digest128 { weightsDigest }

    /// Fills a span with part of a tensor's content, checked.
    public func readContent(
        _ range: Range<Int>, ofTensor name: String, into content: inout MutableRawSpan, scratch: BaseScratch
    ) throws(CheckpointError) {
        let tensor = try requiredTensor(named: name)
        guard range.lowerBound >= 0, range.upperBound <= tensor.description.byteCount, !range.isEmpty else { return }
        let first = range.lowerBound / tensor.chunkByteCount
        let last = (range.upperBound - 1) / tensor.chunkByteCount
        for chunk in tensor.chunks[first...last] {
            if chunk.contentRange == range {
                // The usual case: both have chunks of the same size.
                try scratch.decoder.read(chunk, of: tensor, from: holder(of: tensor).file, base: base, into: &content)
                return
            }
            var piece: [UInt8] = []
            swap(&piece, &scratch.chunk)
            defer { swap(&piece, &scratch.chunk) }
            piece.resize(to: chunk.contentRange.count)
            var span = piece.mutableSpan
            var bytes = unsafe span.mutableBytes
            try scratch.decoder.read(chunk, of: tensor, from: holder(of: tensor).file, base: base, into: &bytes)
            content.place(piece, of: chunk.contentRange, in: range)
        }
    }
}

extension MutableRawSpan {
    /// Copies what two ranges of one tensor's content have in common.
    ///
    /// - Parameters:
    ///   - piece: The bytes of `pieceRange`.
    ///   - range: What this span stands for.
    package mutating func place(_ piece: [UInt8], of pieceRange: Range<Int>, in range: Range<Int>) {
        let common = pieceRange.clamped(to: range)
        func part(of whole: Range<Int>) -> Range<Int> {
            common.lowerBound - whole.lowerBound..<common.upperBound - whole.lowerBound
        }
        guard !common.isEmpty else { return }
        unsafe piece.withUnsafeBytes { source in
            unsafe withUnsafeMutableBytes { target in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[part(of: range)]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[part(of: pieceRange)]))
            }
        }
    }
}

extension DeltaBase {
    /// Checks that a file may be written although this base is needed.
    ///
    /// - Throws: `wrongBase` where the file is the base, or a base of the base.
    package func checkIsKept(whenWriting target: FilePath) throws(CheckpointError) {
        for path in chain {
            guard let base = try? Stat(path), let existing = try? Stat(target) else { continue }
            guard base.deviceID != existing.deviceID || base.inode != existing.inode else {
                throw CheckpointError(
                    .wrongBase, path: target,
                    problem: "is the base \(path) of a delta and would be lost: the delta could not be read any more")
            }
        }
    }

    /// Checks that a delta against this base could be read.
    ///
    /// - Throws: `invalid` where too many deltas would lie behind one another.
    func checkDepth(of delta: FilePath) throws(CheckpointError) {
        // The last of the chain is no delta.
        guard chain.count <= Format.maximumBaseDepth else { throw .tooManyDeltas(chain.count, path: delta) }
    }

    /// This base's path and those of the bases behind it.
    package var chain: [FilePath] {
        [path] + ((self as? CheckpointReader)?.base?.chain ?? [])
    }
}
