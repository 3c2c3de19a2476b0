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
                // Constant arguments, so that each case becomes a loop of its own without branches.
                switch (width, isRotated) {
                case (2, false): unsafe splitWords(UInt16.self, source, target, isRotated: false)
                case (2, true): unsafe splitWords(UInt16.self, source, target, isRotated: true)
                case (4, false): unsafe splitWords(UInt32.self, source, target, isRotated: false)
                case (4, true): unsafe splitWords(UInt32.self, source, target, isRotated: true)
                case (_, false): unsafe splitWords(UInt64.self, source, target, isRotated: false)
                case (_, true): unsafe splitWords(UInt64.self, source, target, isRotated: true)
                }
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
                switch (width, isRotated) {
                case (2, false): unsafe joinWords(UInt16.self, source, target, isRotated: false)
                case (2, true): unsafe joinWords(UInt16.self, source, target, isRotated: true)
                case (4, false): unsafe joinWords(UInt32.self, source, target, isRotated: false)
                case (4, true): unsafe joinWords(UInt32.self, source, target, isRotated: true)
                case (_, false): unsafe joinWords(UInt64.self, source, target, isRotated: false)
                case (_, true): unsafe joinWords(UInt64.self, source, target, isRotated: true)
                }
            }
        }
    }

    private static func check(_ count: Int, _ otherCount: Int, width: Int) throws(Failure) {
        guard widths.contains(width) else { throw .width(width) }
        guard count == otherCount, count % width == 0 else { throw .byteCount(count, width: width) }
    }

    // Plain loops over whole planes: the compiler vectorises them (10 GB/s for 32-bit elements, where
    // hand-written SIMD types gave 6).

    @inline(__always)
    @unsafe
    private static func splitWords<Word: FixedWidthInteger & UnsignedInteger>(
        _: Word.Type, _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer, isRotated: Bool
    ) {
        let width = MemoryLayout<Word>.size
        let count = source.count / width
        guard count > 0, let words = source.baseAddress, let bytes = target.baseAddress else { return }
        let last = Word(truncatingIfNeeded: Word.bitWidth - 1)
        if width == 8 {
            // One pass a plane: nine streams at once are too many for the vectoriser.
            for plane in 0..<width {
                let shift = Word(truncatingIfNeeded: 8 * plane)
                let out = unsafe bytes + plane * count
                for index in 0..<count {
                    let word = unsafe Word(littleEndian: words.loadUnaligned(fromByteOffset: 8 * index, as: Word.self))
                    let rotated = isRotated ? (word &<< 1) | (word &>> last) : word
                    unsafe out.storeBytes(
                        of: UInt8(truncatingIfNeeded: rotated &>> shift), toByteOffset: index, as: UInt8.self)
                }
            }
            return
        }
        for index in 0..<count {
            let word = unsafe Word(littleEndian: words.loadUnaligned(fromByteOffset: width * index, as: Word.self))
            let rotated = isRotated ? (word &<< 1) | (word &>> last) : word
            for plane in 0..<width {
                unsafe bytes.storeBytes(
                    of: UInt8(truncatingIfNeeded: rotated &>> Word(truncatingIfNeeded: 8 * plane)),
                    toByteOffset: plane * count + index, as: UInt8.self)
            }
        }
    }

    @inline(__always)
    @unsafe
    private static func joinWords<Word: FixedWidthInteger & UnsignedInteger>(
        _: Word.Type, _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer, isRotated: Bool
    ) {
        let width = MemoryLayout<Word>.size
        let count = source.count / width
        guard count > 0, let bytes = source.baseAddress, let words = target.baseAddress else { return }
        let last = Word(truncatingIfNeeded: Word.bitWidth - 1)
        for index in 0..<count {
            var rotated: Word = 0
            for plane in 0..<width {
                let byte = unsafe bytes.load(fromByteOffset: plane * count + index, as: UInt8.self)
                rotated |= Word(truncatingIfNeeded: byte) &<< Word(truncatingIfNeeded: 8 * plane)
            }
            let word = isRotated ? (rotated &>> 1) | (rotated &<< last) : rotated
            unsafe words.storeBytes(of: word.littleEndian, toByteOffset: width * index, as: Word.self)
        }
    }
}
