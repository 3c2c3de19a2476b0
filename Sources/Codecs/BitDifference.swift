/// Differences between the bit patterns of two runs of words, as byte planes.
///
/// A word's difference is taken modulo 2^(8 · width) and zigzag-coded: 0, −1, 1, −2, … become 0, 1, 2, 3, …, so that
/// small steps up and down fill the low planes alone. Nothing is lost for any bit pattern: NaN payloads, −0 and
/// infinities are words like others.
public enum BitDifference {
    /// The word sizes in bytes.
    public static let widths = [1, 2, 4, 8]

    /// Words → planes of their differences from the base's words: plane 0 (lowest bytes), plane 1 …
    ///
    /// - Parameters:
    ///   - words: Little-endian words of `width` bytes.
    ///   - base: As many bytes.
    ///   - width: 1, 2, 4 or 8.
    ///   - planes: As many bytes as `words`.
    /// - Throws: ``BytePlanes/Failure`` where sizes do not fit.
    public static func split(
        _ words: RawSpan, base: RawSpan, width: Int, into planes: inout MutableRawSpan
    ) throws(BytePlanes.Failure) {
        try check([words.byteCount, base.byteCount, planes.byteCount], width: width)
        unsafe words.withUnsafeBytes { words in
            unsafe base.withUnsafeBytes { base in
                unsafe planes.withUnsafeMutableBytes { planes in
                    switch width {
                    case 1: unsafe splitWords(UInt8.self, words, base, planes)
                    case 2: unsafe splitWords(UInt16.self, words, base, planes)
                    case 4: unsafe splitWords(UInt32.self, words, base, planes)
                    default: unsafe splitWords(UInt64.self, words, base, planes)
                    }
                }
            }
        }
    }

    /// Base → words: undoes ``split(_:base:width:into:)`` in place.
    ///
    /// - Parameters:
    ///   - planes: The differences.
    ///   - width: 1, 2, 4 or 8.
    ///   - words: The base's words, which become the words.
    /// - Throws: ``BytePlanes/Failure`` where sizes do not fit.
    public static func join(
        _ planes: RawSpan, width: Int, ontoBase words: inout MutableRawSpan
    ) throws(BytePlanes.Failure) {
        try check([planes.byteCount, words.byteCount], width: width)
        unsafe planes.withUnsafeBytes { planes in
            unsafe words.withUnsafeMutableBytes { words in
                switch width {
                case 1: unsafe joinWords(UInt8.self, planes, words)
                case 2: unsafe joinWords(UInt16.self, planes, words)
                case 4: unsafe joinWords(UInt32.self, planes, words)
                default: unsafe joinWords(UInt64.self, planes, words)
                }
            }
        }
    }

    static func check(_ counts: [Int], width: Int) throws(BytePlanes.Failure) {
        guard widths.contains(width) else { throw .width(width) }
        for count in counts where count != counts[0] || count % width != 0 {
            throw .byteCount(count, width: width)
        }
    }

    // Plain loops that the compiler vectorises, as in BytePlanes.

    @inline(__always)
    static func zigzag<Word: FixedWidthInteger & UnsignedInteger>(_ difference: Word) -> Word {
        let sign = difference &>> Word(truncatingIfNeeded: Word.bitWidth - 1)
        return (difference &<< 1) ^ (0 &- sign)
    }

    @inline(__always)
    static func difference<Word: FixedWidthInteger & UnsignedInteger>(ofZigzag code: Word) -> Word {
        (code &>> 1) ^ (0 &- (code & 1))
    }

    @inline(__always)
    @unsafe
    private static func splitWords<Word: FixedWidthInteger & UnsignedInteger>(
        _: Word.Type, _ source: UnsafeRawBufferPointer, _ base: UnsafeRawBufferPointer,
        _ target: UnsafeMutableRawBufferPointer
    ) {
        let width = MemoryLayout<Word>.size
        let count = source.count / width
        guard count > 0, let words = source.baseAddress, let olds = base.baseAddress, let bytes = target.baseAddress
        else { return }
        if width == 8 {
            // One pass a plane: too many streams at once defeat the vectoriser.
            for plane in 0..<width {
                let shift = Word(truncatingIfNeeded: 8 * plane)
                let out = unsafe bytes + plane * count
                for index in 0..<count {
                    let new = unsafe Word(littleEndian: words.loadUnaligned(fromByteOffset: 8 * index, as: Word.self))
                    let old = unsafe Word(littleEndian: olds.loadUnaligned(fromByteOffset: 8 * index, as: Word.self))
                    unsafe out.storeBytes(
                        of: UInt8(truncatingIfNeeded: zigzag(new &- old) &>> shift), toByteOffset: index,
                        as: UInt8.self)
                }
            }
            return
        }
        for index in 0..<count {
            let new = unsafe Word(littleEndian: words.loadUnaligned(fromByteOffset: width * index, as: Word.self))
            let old = unsafe Word(littleEndian: olds.loadUnaligned(fromByteOffset: width * index, as: Word.self))
            let code = zigzag(new &- old)
            for plane in 0..<width {
                unsafe bytes.storeBytes(
                    of: UInt8(truncatingIfNeeded: code &>> Word(truncatingIfNeeded: 8 * plane)),
                    toByteOffset: plane * count + index, as: UInt8.self)
            }
        }
    }

    @inline(__always)
    @unsafe
    private static func joinWords<Word: FixedWidthInteger & UnsignedInteger>(
        _: Word.Type, _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
    ) {
        let width = MemoryLayout<Word>.size
        let count = source.count / width
        guard count > 0, let bytes = source.baseAddress, let words = target.baseAddress else { return }
        for index in 0..<count {
            var code: Word = 0
            for plane in 0..<width {
                let byte = unsafe bytes.load(fromByteOffset: plane * count + index, as: UInt8.self)
                code |= Word(truncatingIfNeeded: byte) &<< Word(truncatingIfNeeded: 8 * plane)
            }
            let old = unsafe Word(littleEndian: words.loadUnaligned(fromByteOffset: width * index, as: Word.self))
            unsafe words.storeBytes(
                of: (old &+ difference(ofZigzag: code)).littleEndian, toByteOffset: width * index, as: Word.self)
        }
    }
}
