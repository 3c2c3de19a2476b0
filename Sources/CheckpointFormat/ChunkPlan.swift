internal import Codecs

/// How a chunk is to be encoded.
struct ChunkPlan: Hashable {
    /// What is compressed.
    enum Form: Hashable {
        /// The content itself.
        case content
        /// Its byte planes.
        case planes(width: Int, isRotated: Bool)
        /// Byte planes of its differences from the base.
        case difference(width: Int)
        /// A mask of what differs, and byte planes of these differences.
        case sparseDifference(width: Int)

        /// How many parts of one size it has, the lowest first.
        var planeCount: Int {
            switch self {
            case .planes(let width, _), .difference(let width): width
            case .content, .sparseDifference: 1
            }
        }

        /// The parts that have statistics of their own.
        ///
        /// - Parameters:
        ///   - wordCount: The words of the content.
        ///   - byteCount: The size of all parts.
        func parts(wordCount: Int, byteCount: Int) -> [Range<Int>] {
            let (start, width): (Int, Int)
            switch self {
            case .content: return [0..<byteCount]
            case .planes(let planeCount, _), .difference(let planeCount): (start, width) = (0, planeCount)
            case .sparseDifference(let planeCount):
                (start, width) = (SparseDifference.maskByteCount(wordCount: wordCount), planeCount)
            }
            let planeByteCount = (byteCount - start) / width
            let planes = (0..<width).map { start + $0 * planeByteCount..<start + ($0 + 1) * planeByteCount }
            return start > 0 ? [0..<start] + planes : planes
        }
    }

    /// How a part of a form is compressed.
    enum PartCoding: Hashable {
        /// Not at all.
        case stored
        /// Byte by byte.
        case literals
        /// Repetitions are looked for.
        case matches
    }

    let form: Form
    /// Whether repetitions are looked for, or bytes are coded one by one.
    let findsMatches: Bool
    /// How many of the lowest planes are not worth compressing.
    let rawPlaneCount: Int
    /// How each part is compressed, see ``Form/parts(wordCount:byteCount:)``; empty where all are compressed as one. Behind
    /// one with repetitions all have some.
    let parts: [PartCoding]

    init(_ form: Form, findsMatches: Bool, rawPlaneCount: Int = 0) {
        self.form = form
        self.findsMatches = findsMatches
        self.rawPlaneCount = rawPlaneCount
        parts = []
    }

    init(_ form: Form, parts: [PartCoding]) {
        self.form = form
        self.parts = parts
        findsMatches = false
        rawPlaneCount = 0
    }
}
