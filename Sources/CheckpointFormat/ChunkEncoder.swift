internal import Codecs

/// Finds the smallest encoding of a chunk. One thread at a time.
final class ChunkEncoder {
    /// Level −50 with entropy-coded literals: the fastest and best on rotated planes. Nil where the library
    /// does not know the parameter.
    private var literals: ZstdCompressor?
    /// Level 1: finds repetitions as well.
    private var matches: ZstdCompressor
    private let planes = ScratchBuffer()
    private let sample = ScratchBuffer()
    private let output = ScratchBuffer()

    init() throws(ZstdError) {
        do {
            literals = try ZstdCompressor.make(level: -50, forcingLiteralCompression: true)
        } catch {
            literals = nil
        }
        matches = try ZstdCompressor.make(level: 1)
    }

    /// Ways to encode that the sample decides between.
    private enum Candidate {
        case matches
        case planesWithLiterals
        case planesWithMatches
    }

    /// The pieces of the sample are spread over the chunk; together they are a small part of its cost.
    private static let samplePieceByteCount = 4096
    private static let samplePieceCount = 4

    /// Encodes a chunk.
    ///
    /// - Parameters:
    ///   - content: The chunk's content, not empty.
    ///   - planes: The words' size and whether they are rotated; nil for types without byte planes.
    ///   - patternByteCount: The size of the pattern that a constant chunk would repeat.
    ///   - isRaw: Whether the content must be stored as it is.
    ///   - chunk: Where the result goes.
    func encode(
        _ content: RawSpan, planes: (width: Int, isRotated: Bool)?, patternByteCount: Int, isRaw: Bool,
        into chunk: EncodedChunk
    ) {
        chunk.contentDigest = XXH3.hash128(content)
        if !isRaw, content.repeats(every: patternByteCount) {
            chunk.setPattern(content.extracting(first: patternByteCount))
            return
        }
        guard !isRaw, encodeSmaller(content, planes: planes, into: chunk) else {
            chunk.setRaw(byteCount: content.byteCount)
            return
        }
    }

    /// Whether an encoding smaller than the content was found.
    private func encodeSmaller(
        _ content: RawSpan, planes layout: (width: Int, isRotated: Bool)?, into chunk: EncodedChunk
    ) -> Bool {
        guard let layout, content.byteCount % layout.width == 0 else {
            return chunk.fill(.zstd, capacity: content.byteCount) { compress(content, with: .matches, into: &$0) }
        }
        let candidate = best(for: content, layout: layout)
        if case .matches = candidate {
            return chunk.fill(.zstd, capacity: content.byteCount) { compress(content, with: .matches, into: &$0) }
        }
        split(content, layout: layout)
        return chunk.fill(
            .planes(width: layout.width, isRotated: layout.isRotated), capacity: content.byteCount
        ) { output in
            planes.withBytes { compress($0, with: candidate, into: &output) }
        }
    }

    /// The candidate that is smallest on a sample of the content.
    private func best(for content: RawSpan, layout: (width: Int, isRotated: Bool)) -> Candidate {
        let pieceByteCount = Self.samplePieceByteCount
        sample.removeAll()
        if content.byteCount <= Self.samplePieceCount * pieceByteCount {
            sample.append(content)
        } else {
            let step = (content.byteCount - pieceByteCount) / (Self.samplePieceCount - 1)
            for piece in 0..<Self.samplePieceCount {
                // Whole words of any width.
                let start = piece * step & ~7
                sample.append(content.extracting(start..<start + pieceByteCount))
            }
        }
        sample.withBytes { split($0, layout: layout) }
        // Literals are the fastest; the others must be worth it.
        let literals = sampledByteCount(.planesWithLiterals, pieceCount: layout.width)
        let matches = sampledByteCount(.matches, pieceCount: 1)
        let planesWithMatches = sampledByteCount(.planesWithMatches, pieceCount: layout.width)
        let smallest = min(matches, planesWithMatches)
        guard smallest < literals - literals / 50 else { return .planesWithLiterals }
        return matches <= planesWithMatches ? .matches : .planesWithMatches
    }

    /// The size of the encoded sample. Planes are compressed one by one: in a whole chunk they are long enough for
    /// zstd blocks of their own, each with its own statistics.
    private func sampledByteCount(_ candidate: Candidate, pieceCount: Int) -> Int {
        let source = candidate == .matches ? sample : planes
        let pieceByteCount = sample.count / pieceCount
        return output.withMutableBytes(count: 2 * sample.count + 64) { output in
            source.withBytes { bytes in
                (0..<pieceCount).reduce(0) { sum, piece in
                    let part = bytes.extracting(piece * pieceByteCount..<(piece + 1) * pieceByteCount)
                    return sum + (compress(part, with: candidate, into: &output) ?? part.byteCount)
                }
            }
        }
    }

    private func compress(
        _ bytes: RawSpan, with candidate: Candidate, into output: inout MutableRawSpan
    ) -> Int? {
        // A library that refuses here costs size, not correctness: the chunk is then stored raw.
        switch candidate {
        case .planesWithLiterals: try? literals?.compress(bytes, into: &output)
        case .matches, .planesWithMatches: try? matches.compress(bytes, into: &output)
        }
    }

    private func split(_ content: RawSpan, layout: (width: Int, isRotated: Bool)) {
        planes.withMutableBytes(count: content.byteCount) { planes in
            // Cannot fail: the callers check width and size.
            try? BytePlanes.split(content, width: layout.width, isRotated: layout.isRotated, into: &planes)
        }
    }
}

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

    func setPattern(_ pattern: RawSpan) {
        codec = .constant
        byteCount = pattern.byteCount
        buffer.removeAll()
        buffer.append(pattern)
        storedDigest = XXH3.hash128(pattern)
    }

    /// Takes what `body` writes, where it is smaller than the capacity.
    func fill(_ codec: ChunkCodec, capacity: Int, _ body: (inout MutableRawSpan) -> Int?) -> Bool {
        let count = buffer.withMutableBytes(count: capacity) { bytes -> Int? in
            guard let count = body(&bytes), count < capacity else { return nil }
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

extension RawSpan {
    /// Whether all bytes equal those `period` before them, and there are more than `period`.
    func repeats(every period: Int) -> Bool {
        guard period > 0, byteCount > period, byteCount > 1 else { return false }
        return extracting(droppingFirst: period).equals(extracting(droppingLast: period))
    }

    private func equals(_ other: RawSpan) -> Bool {
        var position = 0
        // Words first; a chunk that is not constant nearly always differs in the first one.
        while position + 8 <= byteCount {
            let left = unsafe unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
            let right = unsafe other.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
            if left != right { return false }
            position += 8
        }
        while position < byteCount {
            let left = unsafe unsafeLoad(fromByteOffset: position, as: UInt8.self)
            let right = unsafe other.unsafeLoad(fromByteOffset: position, as: UInt8.self)
            if left != right { return false }
            position += 1
        }
        return true
    }
}
