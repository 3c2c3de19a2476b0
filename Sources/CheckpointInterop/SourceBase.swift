public import CheckpointFormat
public import Codecs
internal import Synchronization
public import SystemPackage
public import TensorCore

/// A checkpoint of any format as the base of deltas.
public final class SourceBase: DeltaBase {
    private let source: any CheckpointSource
    /// Digests that had to be computed.
    private let digests = Mutex<[String: Digest128]>([:])
    private let chunkByteCounts = Mutex<[String: Int]>([:])

    /// Takes a source.
    public init(_ source: any CheckpointSource) { self.source = source }

    /// The file.
    public var path: FilePath { source.path }

    /// The tensor of a name, or nil where there is none.
    public func description(ofTensor name: String) -> TensorDescription? { source.tensor(named: name) }

    /// The digest that the source stores, else the one of its bytes, computed once.
    public func contentDigest(ofTensor name: String) throws(CheckpointError) -> Digest128 {
        if let known = digests.withLock({ $0[name] }) { return known }
        guard let tensor = source.tensor(named: name) else { throw missing(name) }
        let digest = try source.digest(of: tensor)
        digests.withLock { $0[name] = digest }
        return digest
    }

    /// The digest of all weights.
    public func baseWeightsDigest() throws(CheckpointError) -> Digest128 {
        var weights: [(name: String, digest: Digest128)] = []
        for tensor in source.tensors where tensor.role == .weight {
            weights.append((tensor.name, try contentDigest(ofTensor: tensor.name)))
        }
        return ContentDigest.weights(of: weights)
    }

    /// Fills a span with part of a tensor's content.
    public func readContent(
        _ range: Range<Int>, ofTensor name: String, into content: inout MutableRawSpan, scratch: BaseScratch
    ) throws(CheckpointError) {
        guard let tensor = source.tensor(named: name), range.upperBound <= tensor.byteCount else {
            throw missing(name)
        }
        guard !range.isEmpty else { return }
        let chunkByteCount = try chunkByteCount(of: tensor)
        let chunks = range.lowerBound / chunkByteCount...(range.upperBound - 1) / chunkByteCount
        for chunk in chunks {
            try source.readChunk(chunk, of: tensor, into: &scratch.chunk)
            let start = chunk * chunkByteCount
            guard scratch.chunk.count == min(chunkByteCount, tensor.byteCount - start) else { throw missing(name) }
            content.place(scratch.chunk, of: start..<start + scratch.chunk.count, in: range)
        }
    }

    /// The size of every chunk but the last, which is that of the first.
    private func chunkByteCount(of tensor: TensorDescription) throws(CheckpointError) -> Int {
        if let known = chunkByteCounts.withLock({ $0[tensor.name] }) { return known }
        let chunkCount = source.storage(of: tensor).chunkCount
        var first: [UInt8] = []
        if chunkCount > 1 { try source.readChunk(0, of: tensor, into: &first) }
        let count = chunkCount > 1 ? first.count : tensor.byteCount
        guard count > 0 else { throw missing(tensor.name) }
        chunkByteCounts.withLock { $0[tensor.name] = count }
        return count
    }

    private func missing(_ name: String) -> CheckpointError {
        CheckpointError(
            .missing, path: path, place: CheckpointPlace(tensor: name), problem: "there is no such content")
    }
}
