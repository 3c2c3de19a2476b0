internal import Codecs

/// A chunk as it will be stored. Reused from batch to batch.
final class EncodedChunk {
    private(set) var codec = ChunkCodec.raw
    private(set) var byteCount = 0
    /// The stored bytes are its first `byteCount`; unused by raw chunks, whose bytes are the content.
    private let buffer = ScratchBuffer()
    private(set) var storedDigest = Digest128.zero
    var contentDigest = Digest128.zero

    /// The chunk's line in the table.
    var entry: ChunkTable.Entry {
        ChunkTable.Entry(
            codec: codec, storedByteCount: byteCount, storedDigest: storedDigest, contentDigest: contentDigest)
    }

    func setRaw(byteCount: Int) {
        codec = .raw
        self.byteCount = byteCount
        storedDigest = contentDigest
    }

    /// The base's content, of which nothing is stored.
    func setSame() {
        codec = .same
        byteCount = 0
        buffer.removeAll()
        storedDigest = XXH3.hash128([])
    }

    func setPattern(_ pattern: RawSpan) {
        codec = .constant
        byteCount = pattern.byteCount
        buffer.removeAll()
        buffer.append(pattern)
        storedDigest = XXH3.hash128(pattern)
    }

    /// Takes what `body` writes, where it is smaller than the content, and says whether it is.
    func fill(_ codec: ChunkCodec, contentByteCount: Int, _ body: (inout MutableRawSpan) -> Int?) -> Bool {
        let capacity = LiteralEncoder.capacity(for: contentByteCount)
        let count = buffer.withMutableBytes(count: capacity) { bytes -> Int? in
            guard let count = body(&bytes), count < contentByteCount else { return nil }
            storedDigest = XXH3.hash128(bytes.bytes.extracting(first: count))
            return count
        }
        guard let count else { return false }
        self.codec = codec
        byteCount = count
        return true
    }

    /// Lends the stored bytes; not for raw chunks.
    func withBytes<Failure: Error>(_ body: (RawSpan) throws(Failure) -> Void) throws(Failure) {
        try buffer.withBytes { bytes throws(Failure) in try body(bytes.extracting(first: byteCount)) }
    }
}
