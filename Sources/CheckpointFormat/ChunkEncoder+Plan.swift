internal import Codecs

extension ChunkEncoder {
    /// The pieces of the sample are spread over the chunk; together they are a small part of its cost.
    private static let samplePieceByteCount = 4096
    private static let samplePieceCount = 4

    /// A plan and the size that a sample has with it.
    private typealias Estimate = (plan: ChunkPlan, byteCount: Int)

    /// The plan that is smallest on a sample of the content, and the size that all of it should then have; with a preference for coding bytes one by one, the fastest.
    ///
    /// - Parameters:
    ///   - layout: The byte planes of the content's type, where it has some.
    ///   - differenceWidth: The words in which it is compared with the base; nil without a base.
    func plan(
        for content: RawSpan, layout: (width: Int, isRotated: Bool)?, differenceWidth: Int?
    ) -> (plan: ChunkPlan, byteCount: Int) {
        let ranges = Self.samples(of: content.byteCount)
        Self.gather(content, ranges, into: sample)
        var estimates: [Estimate] = []
        if let width = differenceWidth {
            baseContent.withBytes { Self.gather($0, ranges, into: baseSample) }
            estimates = differenceEstimates(width: width)
        }
        // Where differences are that small, nothing else is smaller, and need not be tried.
        if (estimates.map(\.byteCount).min() ?? .max) > sample.count - sample.count / 4 {
            estimates += ownEstimates(layout: layout)
        }
        let smallest = estimates.min { $0.byteCount < $1.byteCount }
        let fast = estimates.filter { !$0.plan.findsMatches }.min { $0.byteCount < $1.byteCount }
        guard let smallest else { return (ChunkPlan(.content, findsMatches: true), content.byteCount) }
        // Repetitions must be worth the time that they take.
        var best = smallest
        if let fast, smallest.byteCount >= fast.byteCount - fast.byteCount / 50 { best = fast }
        return (best.plan, Int(Double(best.byteCount) * Double(content.byteCount) / Double(max(1, sample.count))) + 64)
    }

    private func ownEstimates(layout: (width: Int, isRotated: Bool)?) -> [Estimate] {
        var estimates: [Estimate] = []
        if let layout {
            let form = ChunkPlan.Form.planes(width: layout.width, isRotated: layout.isRotated)
            sample.withBytes { split($0, width: layout.width, isRotated: layout.isRotated) }
            estimates = planeEstimates(form, planeEntropies(layout.width))
            // Weights: no plane is nearly constant, and no words repeat. (Small chunks are tried in all ways.)
            if estimates.count == 1, !isSmall, sample.withBytes({ !$0.hasRepetitions }) { return estimates }
            if estimates.count == 1 { estimates.append(estimate(form, findsMatches: true, rawPlaneCount: 0)) }
        }
        let byteCount = sample.withBytes { compressedByteCount($0, findsMatches: true) }
        return estimates + [(ChunkPlan(.content, findsMatches: true), byteCount)]
    }

    private func differenceEstimates(width: Int) -> [Estimate] {
        sample.withBytes { sample in baseSample.withBytes { subtract($0, from: sample, width: width) } }
        var estimates = planeEstimates(.difference(width: width), planeEntropies(width))
        let count = sample.withBytes { sample in
            baseSample.withBytes { subtractSparsely($0, from: sample, width: width) }
        }
        // The mask, and every plane, have statistics of their own.
        let maskByteCount = SparseDifference.maskByteCount(wordCount: sample.count / width)
        let planeByteCount = (count - maskByteCount) / width
        let parts =
            [0..<maskByteCount]
            + (0..<width).map { maskByteCount + $0 * planeByteCount..<maskByteCount + ($0 + 1) * planeByteCount }
        planes.withBytes { bytes in
            let entropies = parts.map { ByteEntropy.bits(of: bytes.extracting($0)) }
            let coded = zip(parts, entropies).reduce(0) { $0 + codedByteCount($1.0.count, entropy: $1.1) }
            let form = ChunkPlan.Form.sparseDifference(width: width)
            estimates.append((ChunkPlan(form, findsMatches: false), coded))
            if entropies.contains(where: { $0 < Self.repetitiveEntropy }) {
                let matched = parts.reduce(0) { $0 + compressedByteCount(bytes.extracting($1), findsMatches: true) }
                estimates.append((ChunkPlan(form, findsMatches: true), matched))
            }
        }
        return estimates
    }

    // Estimates of what is in `planes`.

    /// Below it, bytes repeat so often that coding them one by one, at a bit each or more, may not be best.
    private static let repetitiveEntropy = 2.0
    /// Above it, on a sample's planes, a plane is not worth compressing.
    private static let incompressibleEntropy = 7.85

    private func planeEntropies(_ width: Int) -> [Double] {
        let count = sample.count / width
        return planes.withBytes { bytes in
            (0..<width).map { ByteEntropy.bits(of: bytes.extracting($0 * count..<($0 + 1) * count)) }
        }
    }

    /// Bytes coded one by one; and with repetitions, where a plane has so few values that these may be many.
    private func planeEstimates(_ form: ChunkPlan.Form, _ entropies: [Double]) -> [Estimate] {
        let rawPlaneCount = entropies.prefix { $0 >= Self.incompressibleEntropy }.count
        guard !isSmall else {
            return [true, false].map { estimate(form, findsMatches: $0, rawPlaneCount: rawPlaneCount) }
        }
        let count = sample.count / max(1, entropies.count)
        let coded = entropies.reduce(0) { $0 + codedByteCount(count, entropy: $1) }
        var estimates = [(ChunkPlan(form, findsMatches: false, rawPlaneCount: rawPlaneCount), coded)]
        if entropies.contains(where: { $0 < Self.repetitiveEntropy }) {
            estimates.append(estimate(form, findsMatches: true, rawPlaneCount: rawPlaneCount))
        }
        return estimates
    }

    /// Tries it. Planes are compressed one by one: in a whole chunk they are long enough for zstd blocks of their own,
    /// each with its own statistics.
    private func estimate(_ form: ChunkPlan.Form, findsMatches: Bool, rawPlaneCount: Int) -> Estimate {
        let count = sample.count / form.planeCount
        let byteCount = planes.withBytes { bytes in
            if isSmall {
                let rest = bytes.extracting(droppingFirst: rawPlaneCount * count)
                return rawPlaneCount * count + compressedByteCount(rest, findsMatches: findsMatches)
            }
            return (rawPlaneCount..<form.planeCount).reduce(rawPlaneCount * count) {
                $0 + compressedByteCount(bytes.extracting($1 * count..<($1 + 1) * count), findsMatches: findsMatches)
            }
        }
        return (ChunkPlan(form, findsMatches: findsMatches, rawPlaneCount: rawPlaneCount), byteCount)
    }

    /// Whether the sample is all of the chunk, so that tables are a part of its size that must not be forgotten.
    private var isSmall: Bool { sample.count < Self.samplePieceCount * Self.samplePieceByteCount }

    /// The size of so many bytes in a Huffman code, whose shortest word is a bit.
    private func codedByteCount(_ count: Int, entropy: Double) -> Int {
        if entropy == 0 { return min(count, 8) }
        if entropy >= Self.incompressibleEntropy { return count }
        return Int(Double(count) * max(1, entropy) / 8) + (isSmall ? 64 : 1)
    }

    // The sample.

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
}

extension RawSpan {
    /// Whether one in 64 words of 8 bytes, or more, occurred before; among random ones next to none do.
    fileprivate var hasRepetitions: Bool {
        let wordCount = byteCount / 8
        var seen = [UInt64](repeating: 0, count: 4096)
        var repeated = 0
        for index in 0..<wordCount {
            let word = unsafe unsafeLoadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
            let slot = Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 52)
            if seen[slot] == word { repeated += 1 }
            seen[slot] = word
        }
        return 64 * repeated >= wordCount && wordCount > 0
    }
}
