/// A strict scanner of JSON (RFC 8259) that builds no tree: the caller says what it expects next.
///
/// Stricter than most readers where files could be read in two ways: a duplicate key, a lone surrogate, a
/// control character in a string, a leading zero and anything after the value are all refused. Nesting is
/// limited, and no allocation is larger than the text itself.
package struct JSONScanner {
    /// What was wrong where.
    package struct Failure: Error, Equatable {
        /// The offset into the text in bytes.
        package let offset: Int
        /// What stands there.
        package let found: String
        /// What should stand there.
        package let expected: String

        /// Names what is wrong.
        package init(offset: Int, found: String, expected: String) {
            self.offset = offset
            self.found = found
            self.expected = expected
        }
    }

    /// How deep arrays and objects may nest.
    package static let depthLimit = 128

    private let bytes: [UInt8]
    /// The offset of the next byte.
    package private(set) var offset = 0

    /// Scans UTF-8 text.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Scans text.
    package init(_ text: String) { bytes = Array(text.utf8) }

    /// The next byte after white space, or nil at the end.
    package mutating func peek() -> UInt8? {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// The failure of the byte at `offset`.
    package func failure(expected: String, at offset: Int? = nil) -> Failure {
        let offset = offset ?? self.offset
        guard offset < bytes.count else {
            return Failure(offset: offset, found: "the end of the text", expected: expected)
        }
        let byte = bytes[offset]
        let found =
            (0x20..<0x7F).contains(byte)
            ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x" + String(byte, radix: 16, uppercase: true)
        return Failure(offset: offset, found: found, expected: expected)
    }

    /// Scans one byte that must be there.
    private mutating func expect(_ byte: UInt8, _ expected: String) throws(Failure) {
        guard peek() == byte else { throw failure(expected: expected) }
        offset += 1
    }

    /// Scans a word such as `null`; false, and nothing scanned, where another value stands.
    package mutating func scan(_ word: StaticString) throws(Failure) -> Bool {
        let word = Array("\(word)".utf8)
        guard peek() == word.first else { return false }
        guard bytes[offset...].starts(with: word) else {
            throw failure(expected: String(decoding: word, as: UTF8.self))
        }
        offset += word.count
        return true
    }

    /// Scans an object; `member` gets each key with its offset and scans the value.
    package mutating func object(
        _ member: (inout JSONScanner, _ key: String, _ keyOffset: Int) throws(Failure) -> Void
    ) throws(Failure) {
        try expect(UInt8(ascii: "{"), "an object")
        if peek() == UInt8(ascii: "}") {
            offset += 1
            return
        }
        var keys: Set<String> = []
        while true {
            guard peek() == UInt8(ascii: "\"") else { throw failure(expected: "a key in quotes") }
            let keyOffset = offset
            let key = try string()
            guard keys.insert(key).inserted else {
                throw Failure(
                    offset: keyOffset, found: "the key \(key.debugDescription) a second time",
                    expected: "each key once")
            }
            try expect(UInt8(ascii: ":"), "':'")
            try member(&self, key, keyOffset)
            if try endsContainer(UInt8(ascii: "}")) { return }
        }
    }

    /// Scans an array; `element` scans each of its values.
    package mutating func array(_ element: (inout JSONScanner) throws(Failure) -> Void) throws(Failure) {
        try expect(UInt8(ascii: "["), "an array")
        if peek() == UInt8(ascii: "]") {
            offset += 1
            return
        }
        while true {
            try element(&self)
            if try endsContainer(UInt8(ascii: "]")) { return }
        }
    }

    /// Scans what follows a member or element: true at the closing bracket, false at a comma.
    private mutating func endsContainer(_ bracket: UInt8) throws(Failure) -> Bool {
        let next = peek()
        guard next == bracket || next == UInt8(ascii: ",") else {
            throw failure(expected: "',' or '\(Character(Unicode.Scalar(bracket)))'")
        }
        offset += 1
        return next == bracket
    }

    /// Scans a string in quotes and resolves its escapes.
    package mutating func string() throws(Failure) -> String {
        try expect(UInt8(ascii: "\""), "a string")
        let start = offset
        var content: [UInt8] = []
        while true {
            guard offset < bytes.count else { throw failure(expected: "a closing quote") }
            let byte = bytes[offset]
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: content, as: UTF8.self) else {
                    throw Failure(offset: start, found: "a string that is not UTF-8", expected: "UTF-8")
                }
                offset += 1
                return string
            case UInt8(ascii: "\\"):
                offset += 1
                try escape(into: &content)
            case 0..<0x20:
                throw failure(expected: "control characters to be escaped")
            default:
                content.append(byte)
                offset += 1
            }
        }
    }

    /// Scans what follows a backslash.
    private mutating func escape(into content: inout [UInt8]) throws(Failure) {
        guard offset < bytes.count else { throw failure(expected: "an escaped character") }
        let byte = bytes[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            let start = offset - 2
            var code = UInt32(try hexadecimalQuad())
            if (0xD800..<0xDC00).contains(code) {
                guard bytes[offset...].starts(with: Array("\\u".utf8)) else {
                    throw failure(expected: "a surrogate pair", at: start)
                }
                offset += 2
                let low = UInt32(try hexadecimalQuad())
                guard (0xDC00..<0xE000).contains(low) else { throw failure(expected: "a surrogate pair", at: start) }
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure(expected: "a surrogate pair", at: start) }
            content.append(contentsOf: Array(String(Character(scalar)).utf8))
        default:
            throw failure(expected: "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u", at: offset - 1)
        }
    }

    /// Scans four hexadecimal digits.
    private mutating func hexadecimalQuad() throws(Failure) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard offset < bytes.count, let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
                throw failure(expected: "four hexadecimal digits")
            }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }

    /// Scans a number and returns it as it is written.
    package mutating func number() throws(Failure) -> String {
        _ = peek()
        let start = offset
        func isDigit(_ offset: Int) -> Bool {
            offset < bytes.count && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[offset])
        }
        func isOne(of characters: String, _ offset: Int) -> Bool {
            offset < bytes.count && characters.utf8.contains(bytes[offset])
        }
        if isOne(of: "-", offset) { offset += 1 }
        guard isDigit(offset) else { throw failure(expected: "a number") }
        if isOne(of: "0", offset) {
            offset += 1
            guard !isDigit(offset) else { throw failure(expected: "a number without leading zeros", at: start) }
        }
        while isDigit(offset) { offset += 1 }
        if isOne(of: ".", offset) {
            offset += 1
            guard isDigit(offset) else { throw failure(expected: "a digit") }
            while isDigit(offset) { offset += 1 }
        }
        if isOne(of: "eE", offset) {
            offset += 1
            if isOne(of: "+-", offset) { offset += 1 }
            guard isDigit(offset) else { throw failure(expected: "a digit") }
            while isDigit(offset) { offset += 1 }
        }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    /// Scans a whole number that fits the type.
    package mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(Failure) -> Integer {
        _ = peek()
        let start = offset
        let text = try number()
        // "-0" is a floating-point number to readers that tell the two apart.
        guard text != "-0", let value = Integer(text) else {
            throw Failure(
                offset: start, found: text, expected: "a whole number from \(Integer.min) to \(Integer.max)")
        }
        return value
    }

    /// Scans any value and drops it.
    package mutating func skipValue(depth: Int = 1) throws(Failure) {
        guard depth < Self.depthLimit else { throw failure(expected: "at most \(Self.depthLimit) levels") }
        switch peek() {
        case UInt8(ascii: "{"):
            try object { (scanner, _, _) throws(Failure) in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try array { (scanner) throws(Failure) in try scanner.skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"): _ = try scan("true")
        case UInt8(ascii: "f"): _ = try scan("false")
        case UInt8(ascii: "n"): _ = try scan("null")
        default: _ = try number()
        }
    }

    /// Checks that nothing but white space follows.
    package mutating func end() throws(Failure) {
        guard peek() == nil else { throw failure(expected: "the end of the JSON text") }
    }
}
