internal import CKernels

/// Splits elements into planes of equal bytes: all lowest bytes first, then the next, up to the highest.
///
/// Rotating each element left by one bit first moves a float's sign to the lowest bit, so that the exponent
/// fills the highest plane, which then compresses well.
public enum BytePlanes {
    /// The element sizes that can be split, in bytes.
    public static let widths = [2, 4, 8]

    /// What a call was given that it cannot do.
    public enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The width is not one of ``BytePlanes/widths``.
        case width(Int)
        /// The byte count is not a multiple of the width, or input and output differ in size.
        case byteCount(Int, width: Int)

        /// One line in lower case.
        public var description: String {
            switch self {
            case .width(let width): "byte planes have a width of 2, 4 or 8 bytes, not \(width)"
            case .byteCount(let count, let width): "\(count) bytes are not whole elements of \(width) bytes"
            }
        }
    }

    /// Elements → planes.
    ///
    /// - Parameters:
    ///   - elements: Little-endian elements of `width` bytes.
    ///   - width: 2, 4 or 8.
    ///   - isRotated: Whether each element is rotated left by one bit first.
    ///   - planes: As many bytes as `elements`: plane 0 (lowest bytes), plane 1 …
    public static func split(
        _ elements: RawSpan, width: Int, isRotated: Bool, into planes: inout MutableRawSpan
    ) throws(Failure) {
        try check(elements.byteCount, planes.byteCount, width: width)
        unsafe elements.withUnsafeBytes { source in
            unsafe planes.withUnsafeMutableBytes { target in
                guard let words = source.baseAddress, let bytes = target.baseAddress else { return }
                unsafe crux_split_planes(
                    source.count / width, Int32(truncatingIfNeeded: width), isRotated ? 1 : 0, words, bytes)
            }
        }
    }

    /// Planes → elements: undoes ``split(_:width:isRotated:into:)``.
    public static func join(
        _ planes: RawSpan, width: Int, isRotated: Bool, into elements: inout MutableRawSpan
    ) throws(Failure) {
        try check(planes.byteCount, elements.byteCount, width: width)
        unsafe planes.withUnsafeBytes { source in
            unsafe elements.withUnsafeMutableBytes { target in
                guard let bytes = source.baseAddress, let words = target.baseAddress else { return }
                unsafe crux_join_planes(
                    source.count / width, Int32(truncatingIfNeeded: width), isRotated ? 1 : 0, bytes, words)
            }
        }
    }

    private static func check(_ count: Int, _ otherCount: Int, width: Int) throws(Failure) {
        guard widths.contains(width) else { throw .width(width) }
        guard count == otherCount, count % width == 0 else { throw .byteCount(count, width: width) }
    }
}
