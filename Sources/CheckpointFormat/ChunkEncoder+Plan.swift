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
        let wordCount = sample.count / width
        sample.withBytes { sample in baseSample.withBytes { subtract($0, from: sample, width: width) } }
        var estimates = isSmall ? planeEstimates(.difference(width: width), planeEntropies(width)) : []
        estimates.append(partEstimate(.difference(width: width), wordCount: wordCount, byteCount: sample.count))
        let byteCount = sample.withBytes { sample in
            baseSample.withBytes { subtractSparsely($0, from: sample, width: width) }
        }
        let changed = (byteCount - SparseDifference.maskByteCount(wordCount: wordCount)) / width
        // With fewer of the base's words a mask costs about what it saves, and time.
        guard changed < wordCount - wordCount / 4 else { return estimates }
        let form = ChunkPlan.Form.sparseDifference(width: width)
        if isSmall {
            for findsMatches in [true, false] {
                let compressed = planes.withBytes {
                    compressedByteCount($0.extracting(first: byteCount), findsMatches: findsMatches)
                }
                estimates.append((ChunkPlan(form, findsMatches: findsMatches), compressed))
            }
        }
        return estimates + [partEstimate(form, wordCount: wordCount, byteCount: byteCount)]
    }

    // Estimates of what is in `planes`.

    /// Below it, bytes repeat so often that coding them one by one, at a bit each or more, may not be best.
    private static let repetitiveEntropy = 2.0
    /// Above it, on a sample's planes, a plane is not worth compressing.
    private static let incompressibleEntropy = 7.85

    /// Below it, a part has hardly more than one value: repetitions are found faster than bytes are coded, and take less.
    private static let nearlyConstantEntropy = 0.5

    /// Each part in its own way, judged by its entropy alone.
    private func partEstimate(_ form: ChunkPlan.Form, wordCount: Int, byteCount: Int) -> Estimate {
        let ranges = form.parts(wordCount: wordCount, byteCount: byteCount)
        let entropies = planes.withBytes { bytes in ranges.map { ByteEntropy.bits(of: bytes.extracting($0)) } }
        var codings = entropies.map {
            $0 >= Self.incompressibleEntropy ? ChunkPlan.PartCoding.stored : .literals
        }
        // One run of parts may have repetitions; the last parts, the high bytes of differences, have most of them.
        for index in codings.indices.reversed() {
            guard entropies[index] < Self.nearlyConstantEntropy else { break }
            codings[index] = .matches
        }
        let estimated = zip(zip(ranges, entropies), codings).reduce(0) { sum, part in
            let ((range, entropy), coding) = part
            return sum
                + (coding == .matches
                    ? Int(Double(range.count) * entropy / 8) + 8 : codedByteCount(range.count, entropy: entropy))
        }
        return (ChunkPlan(form, parts: codings), estimated)
    }

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
