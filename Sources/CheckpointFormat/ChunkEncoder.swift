internal import Codecs
internal import TensorCore

/// Finds the smallest encoding of a chunk. One thread at a time.
final class ChunkEncoder {
    /// Level −50 with entropy-coded literals: the fastest and best on rotated planes. Nil where the library
    /// does not know the parameter.
    private var literals: ZstdCompressor?
    /// Level 1: finds repetitions as well.
    private var matches: ZstdCompressor
    private let planes = ScratchBuffer()
    private let sample = ScratchBuffer()
    private let baseSample = ScratchBuffer()
    private let baseContent = ScratchBuffer()
    private let baseScratch = BaseScratch()
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
        case differenceWithLiterals
        case differenceWithMatches
        case sparseDifferenceWithLiterals
        case sparseDifferenceWithMatches

        var findsMatches: Bool {
            switch self {
            case .matches, .planesWithMatches, .differenceWithMatches, .sparseDifferenceWithMatches: true
            case .planesWithLiterals, .differenceWithLiterals, .sparseDifferenceWithLiterals: false
            }
        }
    }

    /// The content of a delta's base that a chunk is compared with.
    struct Base {
        /// The base.
        let source: any DeltaBase
        /// The tensor's name, type and shape there are those of the tensor that is written.
        let tensor: TensorDescription
        /// The chunk's place in the tensor.
        let range: Range<Int>
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
    ///   - base: What a delta may refer to.
    ///   - chunk: Where the result goes.
    func encode(
        _ content: RawSpan, planes: (width: Int, isRotated: Bool)?, patternByteCount: Int, isRaw: Bool,
        base: Base?, into chunk: EncodedChunk
    ) throws(CheckpointError) {
        chunk.contentDigest = XXH3.hash128(content)
        if let base, !isRaw {
            try baseContent.withMutableBytes(count: content.byteCount) { bytes throws(CheckpointError) in
                try base.source.readContent(
                    base.range, ofTensor: base.tensor.name, into: &bytes, scratch: baseScratch)
            }
            if baseContent.withBytes({ content.equals($0) }) {
                chunk.setSame()
                return
            }
        }
        if !isRaw, content.repeats(every: patternByteCount) {
            chunk.setPattern(content.extracting(first: patternByteCount))
            return
        }
        guard !isRaw, encodeSmaller(content, planes: planes, hasBase: base != nil, into: chunk) else {
            chunk.setRaw(byteCount: content.byteCount)
            return
        }
    }

    /// Whether an encoding smaller than the content was found.
    private func encodeSmaller(
        _ content: RawSpan, planes layout: (width: Int, isRotated: Bool)?, hasBase: Bool, into chunk: EncodedChunk
    ) -> Bool {
        var layout = layout
        if let width = layout?.width, content.byteCount % width != 0 { layout = nil }
        // Types without words of several bytes are compared byte by byte.
        let width = layout?.width ?? 1
        let candidate =
            layout == nil && !hasBase
            ? .matches : best(for: content, layout: layout, differenceWidth: hasBase ? width : nil)
        return encode(content, as: candidate, layout: layout, differenceWidth: width, into: chunk)
    }

    private func encode(
        _ content: RawSpan, as candidate: Candidate, layout: (width: Int, isRotated: Bool)?, differenceWidth: Int,
        into chunk: EncodedChunk
    ) -> Bool {
        let codec: ChunkCodec
        switch candidate {
        case .matches:
            return chunk.fill(.zstd, capacity: content.byteCount) { compress(content, with: candidate, into: &$0) }
        case .planesWithLiterals, .planesWithMatches:
            guard let layout else { return false }
            split(content, layout: layout)
            codec = .planes(width: layout.width, isRotated: layout.isRotated)
        case .differenceWithLiterals, .differenceWithMatches:
            baseContent.withBytes { subtract($0, from: content, width: differenceWidth) }
            codec = .difference(width: differenceWidth)
        case .sparseDifferenceWithLiterals, .sparseDifferenceWithMatches:
            let count = baseContent.withBytes { subtractSparsely($0, from: content, width: differenceWidth) }
            return chunk.fill(.sparseDifference(width: differenceWidth), capacity: content.byteCount) { output in
                planes.withBytes { compress($0.extracting(first: count), with: candidate, into: &output) }
            }
        }
        return chunk.fill(codec, capacity: content.byteCount) { output in
            planes.withBytes { compress($0, with: candidate, into: &output) }
        }
    }

    /// The candidate that is smallest on a sample of the content.
    ///
    /// - Parameters:
    ///   - layout: The byte planes of the content's type, where it has some.
    ///   - differenceWidth: The words in which it is compared with the base; nil without a base.
    private func best(
        for content: RawSpan, layout: (width: Int, isRotated: Bool)?, differenceWidth: Int?
    ) -> Candidate {
        let ranges = Self.samples(of: content.byteCount)
        Self.gather(content, ranges, into: sample)
        var sizes: [(candidate: Candidate, byteCount: Int)] = []
        if let width = differenceWidth {
            baseContent.withBytes { Self.gather($0, ranges, into: baseSample) }
            sample.withBytes { sample in baseSample.withBytes { subtract($0, from: sample, width: width) } }
            for candidate in [Candidate.differenceWithLiterals, .differenceWithMatches] {
                sizes.append((candidate, sampledByteCount(candidate, pieceCount: width)))
            }
            let count = sample.withBytes { sample in
                baseSample.withBytes { subtractSparsely($0, from: sample, width: width) }
            }
            // The mask, and every plane, have statistics of their own.
            let maskByteCount = SparseDifference.maskByteCount(wordCount: sample.count / width)
            let planeByteCount = (count - maskByteCount) / width
            let parts =
                [0..<maskByteCount]
                + (0..<width).map {
                    maskByteCount + $0 * planeByteCount..<maskByteCount + ($0 + 1) * planeByteCount
                }
            for candidate in [Candidate.sparseDifferenceWithLiterals, .sparseDifferenceWithMatches] {
                sizes.append((candidate, sampledByteCount(candidate, of: planes, parts: parts)))
            }
        }
        // Where differences are that small, nothing else is smaller, and need not be tried.
        let smallestDifference = sizes.map(\.byteCount).min() ?? sample.count
        if smallestDifference > sample.count - sample.count / 4 {
            if let layout {
                sample.withBytes { split($0, layout: layout) }
                sizes.append((.planesWithLiterals, sampledByteCount(.planesWithLiterals, pieceCount: layout.width)))
                sizes.append((.matches, sampledByteCount(.matches, of: sample, pieceCount: 1)))
                sizes.append((.planesWithMatches, sampledByteCount(.planesWithMatches, pieceCount: layout.width)))
            } else {
                sizes.append((.matches, sampledByteCount(.matches, of: sample, pieceCount: 1)))
            }
        }
        // Literals are the fastest; the others must be worth it.
        let smallest = sizes.min { $0.byteCount < $1.byteCount }
        let fast = sizes.filter { !$0.candidate.findsMatches }.min { $0.byteCount < $1.byteCount }
        guard let smallest else { return .matches }
        if let fast, smallest.byteCount >= fast.byteCount - fast.byteCount / 50 { return fast.candidate }
        return smallest.candidate
    }

    /// The parts of a chunk that stand for all of it, spread over the chunk, made of whole words of any width.
    private static func samples(of byteCount: Int) -> [Range<Int>] {
        guard byteCount > samplePieceCount * samplePieceByteCount else { return [0..<byteCount] }
        let step = (byteCount - samplePieceByteCount) / (samplePieceCount - 1)
        return (0..<samplePieceCount).map { piece in
            let start = piece * step & ~7
            return start..<start + samplePieceByteCount
        }
    }

    private static func gather(_ content: RawSpan, _ ranges: [Range<Int>], into sample: ScratchBuffer) {
        sample.removeAll()
        for range in ranges { sample.append(content.extracting(range)) }
    }

    /// The size of the encoded sample. Planes are compressed one by one: in a whole chunk they are long enough for
    /// zstd blocks of their own, each with its own statistics.
    private func sampledByteCount(
        _ candidate: Candidate, of source: ScratchBuffer? = nil, pieceCount: Int
    ) -> Int {
        let count = sample.count / pieceCount
        return sampledByteCount(
            candidate, of: source ?? planes, parts: (0..<pieceCount).map { $0 * count..<($0 + 1) * count })
    }

    private func sampledByteCount(_ candidate: Candidate, of source: ScratchBuffer, parts: [Range<Int>]) -> Int {
        output.withMutableBytes(count: 2 * sample.count + 64) { output in
            source.withBytes { bytes in
                parts.reduce(0) { sum, part in
                    let part = bytes.extracting(part)
                    return sum + (compress(part, with: candidate, into: &output) ?? part.byteCount)
                }
            }
        }
    }

    private func compress(
        _ bytes: RawSpan, with candidate: Candidate, into output: inout MutableRawSpan
    ) -> Int? {
        // A library that refuses here costs size, not correctness: the chunk is then stored raw.
        candidate.findsMatches
            ? try? matches.compress(bytes, into: &output) : try? literals?.compress(bytes, into: &output)
    }

    private func split(_ content: RawSpan, layout: (width: Int, isRotated: Bool)) {
        planes.withMutableBytes(count: content.byteCount) { planes in
            // Cannot fail: the callers check width and size.
            try? BytePlanes.split(content, width: layout.width, isRotated: layout.isRotated, into: &planes)
        }
    }
}

extension ChunkEncoder {
    private func subtract(_ base: RawSpan, from content: RawSpan, width: Int) {
        planes.withMutableBytes(count: content.byteCount) { planes in
            // Cannot fail: the callers check width and size.
            try? BitDifference.split(content, base: base, width: width, into: &planes)
        }
    }

    /// Puts mask and planes into `planes` and says how many bytes they are.
    private func subtractSparsely(_ base: RawSpan, from content: RawSpan, width: Int) -> Int {
        let maximum = SparseDifference.maximumByteCount(wordCount: content.byteCount / width, width: width)
        return planes.withMutableBytes(count: maximum) { planes in
            (try? SparseDifference.encode(content, base: base, width: width, into: &planes)) ?? 0
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

    /// Whether both have the same bytes.
    func equals(_ other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
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
