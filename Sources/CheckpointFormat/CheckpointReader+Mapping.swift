internal import Codecs

extension CheckpointReader {
    /// Lends a tensor's content as it lies in the file, without a copy.
    ///
    /// The tensor must be stored raw (``StoredTensor/isContiguous``), as ``WriterOptions/CodecChoice/raw`` stores all of
    /// them. Its first byte lies at a multiple of 64 in memory: enough for any element and SIMD load (spec sections 2 and
    /// 5).
    ///
    /// The system reads the bytes as they are touched. While they are used the file must not be cut off or overwritten in
    /// place: a program that touches bytes which are gone is ended by the system. Saves of this library never do that,
    /// because they put a new file in place of the old one.
    ///
    /// - Parameters:
    ///   - tensor: One of ``tensors``.
    ///   - check: Whether the digests are checked first, which reads all of the tensor. Without it, content is not known
    ///     to be what was written; ``Verifier`` can tell beforehand.
    ///   - body: Is given the content, little-endian and row-major, for the duration of the call.
    /// - Throws: ``CheckpointError``: `invalid` for a tensor that is not stored raw, `damaged` where a digest is not right,
    ///   `io` where the file cannot be mapped; and what `body` throws.
    public func withBytes<Value>(
        of tensor: StoredTensor, checked check: Bool, _ body: (RawSpan) throws -> Value
    ) throws -> Value {
        guard tensor.isContiguous else {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(tensor: tensor.name),
                problem: "the tensor is not stored raw, so that it has to be read",
                comparison: .values(found: tensor.codecNames.joined(separator: ", "), expected: "raw"))
        }
        let file = holder(of: tensor).file
        guard tensor.byteRange.lowerBound >= 0, tensor.byteRange.upperBound <= file.byteCount else {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(tensor: tensor.name),
                problem: "the tensor is not one of this checkpoint's")
        }
        let mapping = try file.mapping()
        if check {
            for chunk in tensor.chunks {
                let computed = mapping.withBytes(chunk.byteRange) { XXH3.hash128($0) }
                guard computed == chunk.storedDigest else {
                    throw CheckpointError.checksumMismatch(
                        path: file.path, place: ChunkDecoder.place(chunk, tensor.name), stored: chunk.storedDigest.hex,
                        computed: computed.hex)
                }
            }
        }
        return try mapping.withBytes(tensor.byteRange, body)
    }
}
