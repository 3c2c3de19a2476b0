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
                    switch width {
                    case 1: unsafe encodeWords(UInt8.self, words, base, output)
                    case 2: unsafe encodeWords(UInt16.self, words, base, output)
                    case 4: unsafe encodeWords(UInt32.self, words, base, output)
                    default: unsafe encodeWords(UInt64.self, words, base, output)
                    }
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
        let failure = unsafe bytes.withUnsafeBytes { bytes in
            unsafe words.withUnsafeMutableBytes { words in
                switch width {
                case 1: unsafe decodeWords(UInt8.self, bytes, words)
                case 2: unsafe decodeWords(UInt16.self, bytes, words)
                case 4: unsafe decodeWords(UInt32.self, bytes, words)
                default: unsafe decodeWords(UInt64.self, bytes, words)
                }
            }
        }
        if let failure { throw failure }
    }

    private static func check(_ counts: [Int], width: Int) throws(Failure) {
        do { try BitDifference.check(counts, width: width) } catch { throw .words(error) }
    }

    @inline(__always)
    @unsafe
    private static func encodeWords<Word: FixedWidthInteger & UnsignedInteger>(
        _: Word.Type, _ source: UnsafeRawBufferPointer, _ base: UnsafeRawBufferPointer,
        _ target: UnsafeMutableRawBufferPointer
    ) -> Int {
        let width = MemoryLayout<Word>.size
        let count = source.count / width
        let maskCount = maskByteCount(wordCount: count)
        guard count > 0, let words = source.baseAddress, let olds = base.baseAddress, let bytes = target.baseAddress
        else { return 0 }
        @inline(__always) func code(_ index: Int) -> Word {
            let new = unsafe Word(littleEndian: words.loadUnaligned(fromByteOffset: width * index, as: Word.self))
            let old = unsafe Word(littleEndian: olds.loadUnaligned(fromByteOffset: width * index, as: Word.self))
            return BitDifference.zigzag(new &- old)
        }
        // The mask first: it says where the planes begin.
        var changed = 0
        for group in 0..<maskCount {
            var mask: UInt8 = 0
            for bit in 0..<min(8, count - 8 * group) where code(8 * group + bit) != 0 {
                mask |= 1 &<< UInt8(truncatingIfNeeded: bit)
            }
            unsafe bytes.storeBytes(of: mask, toByteOffset: group, as: UInt8.self)
            changed += mask.nonzeroBitCount
        }
        var position = maskCount
        for group in 0..<maskCount {
            var mask = unsafe bytes.load(fromByteOffset: group, as: UInt8.self)
            while mask != 0 {
                let code = code(8 * group + mask.trailingZeroBitCount)
                mask &= mask &- 1
                for plane in 0..<width {
                    unsafe bytes.storeBytes(
                        of: UInt8(truncatingIfNeeded: code &>> Word(truncatingIfNeeded: 8 * plane)),
                        toByteOffset: position + plane * changed, as: UInt8.self)
                }
                position += 1
            }
        }
        return maskCount + width * changed
    }

    @inline(__always)
    @unsafe
    private static func decodeWords<Word: FixedWidthInteger & UnsignedInteger>(
        _: Word.Type, _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
    ) -> Failure? {
        let width = MemoryLayout<Word>.size
        let count = target.count / width
        let maskCount = maskByteCount(wordCount: count)
        guard source.count >= maskCount else { return .byteCount(found: source.count, expected: maskCount) }
        guard count > 0, let bytes = source.baseAddress, let words = target.baseAddress else {
            return unsafe source.isEmpty ? nil : .byteCount(found: source.count, expected: 0)
        }
        var changed = 0
        for group in 0..<maskCount {
            changed += unsafe bytes.load(fromByteOffset: group, as: UInt8.self).nonzeroBitCount
        }
        guard source.count == maskCount + width * changed else {
            return .byteCount(found: source.count, expected: maskCount + width * changed)
        }
        let last = unsafe bytes.load(fromByteOffset: maskCount - 1, as: UInt8.self)
        if count % 8 != 0, last &>> UInt8(truncatingIfNeeded: count % 8) != 0 { return .mask }
        var position = maskCount
        for group in 0..<maskCount {
            var mask = unsafe bytes.load(fromByteOffset: group, as: UInt8.self)
            while mask != 0 {
                let index = 8 * group + mask.trailingZeroBitCount
                mask &= mask &- 1
                var code: Word = 0
                for plane in 0..<width {
                    let byte = unsafe bytes.load(fromByteOffset: position + plane * changed, as: UInt8.self)
                    code |= Word(truncatingIfNeeded: byte) &<< Word(truncatingIfNeeded: 8 * plane)
                }
                if code == 0 { return .zero }
                position += 1
                let old = unsafe Word(littleEndian: words.loadUnaligned(fromByteOffset: width * index, as: Word.self))
                unsafe words.storeBytes(
                    of: (old &+ BitDifference.difference(ofZigzag: code)).littleEndian,
                    toByteOffset: width * index, as: Word.self)
            }
        }
        return nil
    }
}
