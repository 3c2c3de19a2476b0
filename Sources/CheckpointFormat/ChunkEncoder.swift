internal import Codecs
internal import TensorCore

/// Finds the smallest encoding of a chunk. One thread at a time.
final class ChunkEncoder {
    /// Entropy coding alone, in blocks of 64 KiB with statistics of their own: the fastest and best on rotated planes.
    private var literals: LiteralEncoder
    /// The same by the library, for bytes that `literals` does not code. Nil where it does not know the parameter.
    private var libraryLiterals: ZstdCompressor?
    /// Level 1: finds repetitions as well.
    private var matches: ZstdCompressor
    let planes = ScratchBuffer()
    let sample = ScratchBuffer()
    let baseSample = ScratchBuffer()
    let baseContent = ScratchBuffer()
    private let baseScratch = BaseScratch()
    private let output = ScratchBuffer()

    init() throws(ZstdError) {
        literals = try LiteralEncoder.make()
        do {
            libraryLiterals = try ZstdCompressor.make(
                level: ZstdCompressor.leastLevel, forcingLiteralCompression: true, windowLog: 16)
        } catch {
            libraryLiterals = nil
        }
        matches = try ZstdCompressor.make(level: 1)
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
        guard layout != nil || hasBase else {
            return encode(content, as: ChunkPlan(.content, findsMatches: true), into: chunk)
        }
        let (plan, expected) = plan(
            for: content, layout: layout, differenceWidth: hasBase ? layout?.width ?? 1 : nil)
        let isSmaller = encode(content, as: plan, into: chunk)
        let byteCount = isSmaller ? chunk.byteCount : content.byteCount
        guard !plan.findsMatches, byteCount > expected + expected / 8 else { return isSmaller }
        // The sample was no fair one: values that come in order, for example, are few in any piece but many in all.
        if encode(content, as: ChunkPlan(plan.form, findsMatches: true), into: chunk), chunk.byteCount < byteCount {
            return true
        }
        return isSmaller && encode(content, as: plan, into: chunk)
    }

    private func encode(_ content: RawSpan, as plan: ChunkPlan, into chunk: EncodedChunk) -> Bool {
        let codec: ChunkCodec
        var count = content.byteCount
        switch plan.form {
        case .content:
            return chunk.fill(.zstd, contentByteCount: count) { compress(content, plan, into: &$0) }
        case .planes(let width, let isRotated):
            split(content, width: width, isRotated: isRotated)
            codec = .planes(width: width, isRotated: isRotated)
        case .difference(let width):
            baseContent.withBytes { subtract($0, from: content, width: width) }
            codec = .difference(width: width)
        case .sparseDifference(let width):
            count = baseContent.withBytes { subtractSparsely($0, from: content, width: width) }
            codec = .sparseDifference(width: width)
        }
        guard plan.rawPlaneCount == 0 || plan.rawPlaneCount < plan.form.planeCount else { return false }
        return chunk.fill(codec, contentByteCount: content.byteCount) { output in
            planes.withBytes { bytes in
                let bytes = bytes.extracting(first: count)
                guard !plan.parts.isEmpty else { return compress(bytes, plan, into: &output) }
                let wordCount = content.byteCount / codec.wordByteCount
                return compress(bytes, plan, wordCount: wordCount, into: &output)
            }
        }
    }

    /// Compresses the parts of a plan to one frame.
    private func compress(
        _ bytes: RawSpan, _ plan: ChunkPlan, wordCount: Int, into output: inout MutableRawSpan
    ) -> Int? {
        var frame = ZstdFrameJoiner()
        for (range, coding) in zip(plan.form.parts(wordCount: wordCount, byteCount: bytes.byteCount), plan.parts) {
            if coding == .stored {
                guard frame.store(bytes.extracting(range), into: &output) else { return nil }
                continue
            }
            let findsMatches = coding == .matches
            let part = bytes.extracting(findsMatches ? range.lowerBound..<bytes.byteCount : range)
            let isWhole = frame.append(into: &output) { output in
                compress(part, ChunkPlan(.content, findsMatches: findsMatches), into: &output)
            }
            guard isWhole else { return nil }
            // They are compressed as one, with all that follow.
            if findsMatches { break }
        }
        return frame.finish(contentByteCount: bytes.byteCount, in: &output)
    }

    private func compress(_ bytes: RawSpan, _ plan: ChunkPlan, into output: inout MutableRawSpan) -> Int? {
        let rawByteCount = plan.rawPlaneCount * (bytes.byteCount / plan.form.planeCount)
        // A library that refuses here costs size, not correctness: the chunk is then stored raw.
        if plan.findsMatches { return try? matches.compress(bytes, storingFirst: rawByteCount, into: &output) }
        return literals.compress(bytes, storingFirst: rawByteCount, into: &output)
            ?? (try? libraryLiterals?.compress(bytes, storingFirst: rawByteCount, into: &output))
    }

    /// The size of bytes once they are compressed.
    func compressedByteCount(_ bytes: RawSpan, findsMatches: Bool) -> Int {
        output.withMutableBytes(count: LiteralEncoder.capacity(for: bytes.byteCount)) { output in
            compress(bytes, ChunkPlan(.content, findsMatches: findsMatches), into: &output) ?? bytes.byteCount
        }
    }

    func split(_ content: RawSpan, width: Int, isRotated: Bool) {
        planes.withMutableBytes(count: content.byteCount) { planes in
            // Cannot fail: the callers check width and size.
            try? BytePlanes.split(content, width: width, isRotated: isRotated, into: &planes)
        }
    }

    func subtract(_ base: RawSpan, from content: RawSpan, width: Int) {
        planes.withMutableBytes(count: content.byteCount) { planes in
            // Cannot fail: the callers check width and size.
            try? BitDifference.split(content, base: base, width: width, into: &planes)
        }
    }

    /// Puts mask and planes into `planes` and says how many bytes they are.
    func subtractSparsely(_ base: RawSpan, from content: RawSpan, width: Int) -> Int {
        let maximum = SparseDifference.maximumByteCount(wordCount: content.byteCount / width, width: width)
        return planes.withMutableBytes(count: maximum) { planes in
            (try? SparseDifference.encode(content, base: base, width: width, into: &planes)) ?? 0
        }
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
