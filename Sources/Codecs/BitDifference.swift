internal import CKernels

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
                    guard let new = words.baseAddress, let old = base.baseAddress, let bytes = planes.baseAddress
                    else { return }
                    unsafe crux_split_differences(
                        words.count / width, Int32(truncatingIfNeeded: width), new, old, bytes)
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
                guard let bytes = planes.baseAddress, let old = words.baseAddress else { return }
                unsafe crux_join_differences(words.count / width, Int32(truncatingIfNeeded: width), bytes, old)
            }
        }
    }

    static func check(_ counts: [Int], width: Int) throws(BytePlanes.Failure) {
        guard widths.contains(width) else { throw .width(width) }
        for count in counts where count != counts[0] || count % width != 0 {
            throw .byteCount(count, width: width)
        }
    }
}
