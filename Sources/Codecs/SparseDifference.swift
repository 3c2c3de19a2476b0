internal import CKernels

/// Differences between the bit patterns of two runs of words of which most are equal, as those of 16-bit weights are
/// after a few small steps.
///
/// A bit mask says which words differ (word i is bit i mod 8 of byte i / 8); after it stand the byte planes of the
/// zigzag-coded differences of these words alone, see ``BitDifference``.
public enum SparseDifference {
    /// Why bytes are no sparse difference.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The words are not whole, or the width is not one of ``BitDifference/widths``.
        case words(BytePlanes.Failure)
        /// The mask calls for another number of bytes.
        case byteCount(found: Int, expected: Int)
        /// A mask bit beyond the last word is set.
        case mask
        /// A word that the mask marks as different has the difference 0.
        case zero

        /// One line in lower case.
        public var description: String {
            switch self {
            case .words(let failure): failure.description
            case .byteCount(let found, let expected):
                "the mask of a sparse difference calls for \(expected) bytes, not \(found)"
            case .mask: "the mask of a sparse difference has bits beyond the last word"
            case .zero: "a sparse difference holds a difference of 0"
            }
        }
    }

    /// The bytes of the mask for so many words.
    public static func maskByteCount(wordCount: Int) -> Int { wordCount / 8 + (wordCount % 8 == 0 ? 0 : 1) }

    /// The most bytes that so many words of a width can take.
    public static func maximumByteCount(wordCount: Int, width: Int) -> Int {
        maskByteCount(wordCount: wordCount) + wordCount * width
    }

    /// Words → mask and planes.
    ///
    /// - Parameters:
    ///   - words: Little-endian words of `width` bytes.
    ///   - base: As many bytes.
    ///   - width: 1, 2, 4 or 8.
    ///   - output: Holds at least ``maximumByteCount(wordCount:width:)`` bytes.
    /// - Returns: How many bytes of the output are used.
    /// - Throws: ``Failure`` where sizes do not fit.
    public static func encode(
        _ words: RawSpan, base: RawSpan, width: Int, into output: inout MutableRawSpan
    ) throws(Failure) -> Int {
        try check([words.byteCount, base.byteCount], width: width)
        let maximum = maximumByteCount(wordCount: words.byteCount / width, width: width)
        guard output.byteCount >= maximum else { throw .byteCount(found: output.byteCount, expected: maximum) }
        return unsafe words.withUnsafeBytes { words in
            unsafe base.withUnsafeBytes { base in
                unsafe output.withUnsafeMutableBytes { output in
                    guard let new = words.baseAddress, let old = base.baseAddress, let bytes = output.baseAddress
                    else { return 0 }
                    return unsafe crux_encode_sparse(
                        words.count / width, Int32(truncatingIfNeeded: width), new, old, bytes)
                }
            }
        }
    }

    /// Base → words: undoes ``encode(_:base:width:into:)`` in place.
    ///
    /// - Throws: ``Failure`` for bytes that `encode` does not make; the words are of no use then.
    public static func decode(
        _ bytes: RawSpan, width: Int, ontoBase words: inout MutableRawSpan
    ) throws(Failure) {
        try check([words.byteCount], width: width)
        let count = words.byteCount / width
        let maskByteCount = Self.maskByteCount(wordCount: count)
        guard bytes.byteCount >= maskByteCount else {
            throw .byteCount(found: bytes.byteCount, expected: maskByteCount)
        }
        var changed = 0
        for index in 0..<maskByteCount {
            changed += unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self).nonzeroBitCount
        }
        guard bytes.byteCount == maskByteCount + width * changed else {
            throw .byteCount(found: bytes.byteCount, expected: maskByteCount + width * changed)
        }
        if count % 8 != 0 {
            let last = unsafe bytes.unsafeLoad(fromByteOffset: maskByteCount - 1, as: UInt8.self)
            guard last &>> UInt8(truncatingIfNeeded: count % 8) == 0 else { throw .mask }
        }
        let hasZero = unsafe bytes.withUnsafeBytes { bytes in
            unsafe words.withUnsafeMutableBytes { words in
                guard let source = bytes.baseAddress, let target = words.baseAddress else { return false }
                return unsafe crux_decode_sparse(count, Int32(truncatingIfNeeded: width), changed, source, target) != 0
            }
        }
        if hasZero { throw .zero }
    }

    private static func check(_ counts: [Int], width: Int) throws(Failure) {
        do { try BitDifference.check(counts, width: width) } catch { throw .words(error) }
    }
}
