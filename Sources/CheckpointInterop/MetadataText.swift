public import CheckpointFormat

/// Metadata values as text: exact JSON for other formats, and words for people.
public enum MetadataText {
    /// The value in words: numbers and strings as they are, arrays in brackets, their first 16 elements.
    public static func text(of value: MetadataValue) -> String {
        switch value {
        case .uint8(let value): "\(value)"
        case .int8(let value): "\(value)"
        case .uint16(let value): "\(value)"
        case .int16(let value): "\(value)"
        case .uint32(let value): "\(value)"
        case .int32(let value): "\(value)"
        case .uint64(let value): "\(value)"
        case .int64(let value): "\(value)"
        case .float32(let value): "\(value)"
        case .float64(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .string(let value): value
        case .array(let array): text(of: array)
        }
    }

    /// The type in words, for example `uint32` or `array of string`.
    public static func typeName(of value: MetadataValue) -> String {
        guard case .array(let array) = value else { return value.type.description }
        return "array of \(array.elementType)"
    }

    /// The value as typed JSON, `{"<type>":<value>}`: the same text for the same type and bits.
    package static func json(of value: MetadataValue) -> String {
        var json = JSONText()
        append(value, to: &json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// A text as a JSON string.
    package static func json(of text: String) -> String {
        var json = JSONText()
        json.append(string: text)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    private static func text(of array: MetadataArray) -> String {
        let shown = array.elements.prefix(16).map { element in
            element.stringValue.map(\.debugDescription) ?? text(of: element)
        }
        let rest = array.elements.count > shown.count ? ["… (\(array.elements.count) in all)"] : []
        return "[" + (shown + rest).joined(separator: ", ") + "]"
    }

    /// Appends `{"<type>": <value>}`.
    static func append(_ value: MetadataValue, to json: inout JSONText) {
        json.append(verbatim: "{\"\(value.type)\":")
        appendContent(of: value, to: &json)
        json.append(verbatim: "}")
    }

    private static func appendContent(of value: MetadataValue, to json: inout JSONText) {
        switch value {
        case .string(let text): json.append(string: text)
        case .array(let array):
            json.append("{\"\(array.elementType)\":[", array.elements, "]}") { appendContent(of: $1, to: &$0) }
        case .float32(let value) where !value.isFinite:
            json.append(verbatim: "\"0x\(String(value.bitPattern, radix: 16))\"")
        case .float64(let value) where !value.isFinite:
            json.append(verbatim: "\"0x\(String(value.bitPattern, radix: 16))\"")
        default:
            // Swift prints a float with as many digits as tell it from all others.
            json.append(verbatim: text(of: value))
        }
    }

    /// Scans what ``append(_:to:)`` wrote.
    static func scan(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> MetadataValue {
        try onlyMember(&scanner) { (scanner, type) throws(JSONScanner.Failure) in
            try scanContent(of: type, &scanner, depth: 1)
        }
    }

    /// Scans an object of one member whose key is a type's name.
    private static func onlyMember<Value>(
        _ scanner: inout JSONScanner,
        _ body: (inout JSONScanner, MetadataType) throws(JSONScanner.Failure) -> Value
    ) throws(JSONScanner.Failure) -> Value {
        let start = scanner.offset
        var members: [Value] = []
        try scanner.object { (scanner, key, offset) throws(JSONScanner.Failure) in
            guard let type = MetadataType(name: key) else {
                throw JSONScanner.Failure(
                    offset: offset, found: "the type \(key.debugDescription)",
                    expected: MetadataType.allCases.map(\.description).joined(separator: ", "))
            }
            members.append(try body(&scanner, type))
        }
        guard members.count == 1, let value = members.first else {
            throw JSONScanner.Failure(offset: start, found: "\(members.count) members", expected: "one")
        }
        return value
    }

    private static func scanContent(
        of type: MetadataType, _ scanner: inout JSONScanner, depth: Int
    ) throws(JSONScanner.Failure) -> MetadataValue {
        switch type {
        case .uint8: .uint8(try scanner.integer(UInt8.self))
        case .int8: .int8(try scanner.integer(Int8.self))
        case .uint16: .uint16(try scanner.integer(UInt16.self))
        case .int16: .int16(try scanner.integer(Int16.self))
        case .uint32: .uint32(try scanner.integer(UInt32.self))
        case .int32: .int32(try scanner.integer(Int32.self))
        case .uint64: .uint64(try scanner.integer(UInt64.self))
        case .int64: .int64(try scanner.integer(Int64.self))
        case .float32: .float32(try scanFloat(&scanner) { Float(bitPattern: $0) })
        case .float64: .float64(try scanFloat(&scanner) { Double(bitPattern: $0) })
        case .bool: .bool(try scanBool(&scanner))
        case .string: .string(try scanner.string())
        case .array: .array(try scanArray(&scanner, depth: depth))
        }
    }

    private static func scanBool(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> Bool {
        if try scanner.scan("true") { return true }
        if try scanner.scan("false") { return false }
        throw scanner.failure(expected: "true or false")
    }

    private static func scanFloat<Value: LosslessStringConvertible & BinaryFloatingPoint, Bits: FixedWidthInteger>(
        _ scanner: inout JSONScanner, _ value: (Bits) -> Value
    ) throws(JSONScanner.Failure) -> Value {
        let isBits = scanner.peek() == UInt8(ascii: "\"")
        let start = scanner.offset
        let text = isBits ? try scanner.string() : try scanner.number()
        let scanned = isBits ? Bits(text.dropFirst(2), radix: 16).map(value) : Value(text)
        guard let scanned, isBits ? text.hasPrefix("0x") : scanned.isFinite else {
            throw JSONScanner.Failure(
                offset: start, found: text, expected: "a number of \(Bits.bitWidth) bits, or \"0x\" and its bits")
        }
        return scanned
    }

    private static func scanArray(
        _ scanner: inout JSONScanner, depth: Int
    ) throws(JSONScanner.Failure) -> MetadataArray {
        guard depth <= arrayDepthLimit else { throw scanner.failure(expected: "at most \(arrayDepthLimit) levels") }
        return try onlyMember(&scanner) { (scanner, type) throws(JSONScanner.Failure) in
            let start = scanner.offset
            var elements: [MetadataValue] = []
            try scanner.array { (scanner) throws(JSONScanner.Failure) in
                elements.append(try scanContent(of: type, &scanner, depth: depth + 1))
            }
            guard let array = MetadataArray(elementType: type, elements: elements) else {
                throw JSONScanner.Failure(offset: start, found: "other types", expected: "\(type)")
            }
            return array
        }
    }

    /// As deep as a crux file can hold arrays.
    private static let arrayDepthLimit = Format.maximumArrayDepth
}
