/// Splits text into the pieces within which GPT-2 merges bytes.
///
/// The same as the regular expression of GPT-2's encoder.py,
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, in one pass: each byte is
/// looked at a bounded number of times.
struct GPT2Splitter {
    /// UTF-8.
    private let bytes: ArraySlice<UInt8>
    private var offset: Int

    /// - Parameter utf8: Valid UTF-8; the pieces' ranges are those of the slice.
    init(_ utf8: ArraySlice<UInt8>) {
        bytes = utf8
        offset = utf8.startIndex
    }

    /// What the expression tells apart.
    private enum Class {
        case letter, number, space, other
    }

    /// The range of the next piece; nil at the end.
    mutating func next() -> Range<Int>? {
        guard let (first, length) = scalar(at: offset) else { return nil }
        let start = offset
        if let contraction = contractionLength(at: start) {
            offset += contraction
        } else if first != .space {
            skip(first)
        } else if bytes[start] == 0x20, let following = scalar(at: start + 1)?.class, following != .space {
            offset += 1
            skip(following)
        } else {
            var last = start
            offset += length
            while let (following, length) = scalar(at: offset), following == .space {
                last = offset
                offset += length
            }
            // The last space belongs to what follows, unless it is the only one or the text ends.
            if offset < bytes.endIndex, last > start { offset = last }
        }
        return start..<offset
    }

    private mutating func skip(_ wanted: Class) {
        while let (found, length) = scalar(at: offset), found == wanted { offset += length }
    }

    private func contractionLength(at start: Int) -> Int? {
        guard bytes[start] == UInt8(ascii: "'"), start + 1 < bytes.endIndex else { return nil }
        let second = start + 2 < bytes.endIndex ? bytes[start + 2] : 0
        return switch (bytes[start + 1], second) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _): 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            3
        default: nil
        }
    }

    /// Class and length in bytes of the scalar that starts there; nil at the end.
    private func scalar(at start: Int) -> (class: Class, length: Int)? {
        guard start < bytes.endIndex else { return nil }
        let lead = bytes[start]
        if lead < 0x80 { return (Self.classesOfASCII[Int(lead)], 1) }
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        guard length <= bytes.endIndex - start else { return (.other, bytes.endIndex - start) }
        var value = UInt32(lead) & (0x7F >> UInt32(length))
        for byte in bytes[start + 1..<start + length] { value = value << 6 | UInt32(byte & 0x3F) }
        return (Unicode.Scalar(value).map(Self.class(of:)) ?? .other, length)
    }

    private static let classesOfASCII: [Class] = (UInt8(0)..<128).map { `class`(of: Unicode.Scalar($0)) }

    private static func `class`(of scalar: Unicode.Scalar) -> Class {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .number
        default: scalar.properties.isWhitespace ? .space : .other
        }
    }
}
