extension MetadataValue: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, elementType, value
    }

    /// Reads `{"type": …, "value": …}`, as ``encode(to:)`` writes it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .type)
        guard let type = MetadataType(name: name) else {
            throw DecodingError.dataCorruptedError(
                forKey: .type, in: container, debugDescription: "unknown metadata type '\(name)'")
        }
        switch type {
        case .uint8: self = .uint8(try container.decode(UInt8.self, forKey: .value))
        case .int8: self = .int8(try container.decode(Int8.self, forKey: .value))
        case .uint16: self = .uint16(try container.decode(UInt16.self, forKey: .value))
        case .int16: self = .int16(try container.decode(Int16.self, forKey: .value))
        case .uint32: self = .uint32(try container.decode(UInt32.self, forKey: .value))
        case .int32: self = .int32(try container.decode(Int32.self, forKey: .value))
        case .float32:
            if let bits = try Self.bitPattern(UInt32.self, in: container) {
                self = .float32(Float(bitPattern: bits))
            } else {
                self = .float32(try container.decode(Float.self, forKey: .value))
            }
        case .bool: self = .bool(try container.decode(Bool.self, forKey: .value))
        case .string: self = .string(try container.decode(String.self, forKey: .value))
        case .array:
            let elementName = try container.decode(String.self, forKey: .elementType)
            let elements = try container.decode([MetadataValue].self, forKey: .value)
            guard let elementType = MetadataType(name: elementName),
                let array = MetadataArray(elementType: elementType, elements: elements)
            else {
                throw DecodingError.dataCorruptedError(
                    forKey: .value, in: container, debugDescription: "not an array of '\(elementName)'")
            }
            self = .array(array)
        case .uint64: self = .uint64(try container.decode(UInt64.self, forKey: .value))
        case .int64: self = .int64(try container.decode(Int64.self, forKey: .value))
        case .float64:
            if let bits = try Self.bitPattern(UInt64.self, in: container) {
                self = .float64(Double(bitPattern: bits))
            } else {
                self = .float64(try container.decode(Double.self, forKey: .value))
            }
        }
    }

    /// Writes `{"type": …, "value": …}`; arrays add `elementType`. Floats that are not finite become their
    /// bits as a string, `"0x7fc00000"`, because JSON cannot hold them.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(type.description, forKey: .type)
        switch self {
        case .uint8(let value): try container.encode(value, forKey: .value)
        case .int8(let value): try container.encode(value, forKey: .value)
        case .uint16(let value): try container.encode(value, forKey: .value)
        case .int16(let value): try container.encode(value, forKey: .value)
        case .uint32(let value): try container.encode(value, forKey: .value)
        case .int32(let value): try container.encode(value, forKey: .value)
        case .float32(let value) where !value.isFinite:
            try container.encode("0x" + String(value.bitPattern, radix: 16), forKey: .value)
        case .float32(let value): try container.encode(value, forKey: .value)
        case .bool(let value): try container.encode(value, forKey: .value)
        case .string(let value): try container.encode(value, forKey: .value)
        case .array(let value):
            try container.encode(value.elementType.description, forKey: .elementType)
            try container.encode(value.elements, forKey: .value)
        case .uint64(let value): try container.encode(value, forKey: .value)
        case .int64(let value): try container.encode(value, forKey: .value)
        case .float64(let value) where !value.isFinite:
            try container.encode("0x" + String(value.bitPattern, radix: 16), forKey: .value)
        case .float64(let value): try container.encode(value, forKey: .value)
        }
    }

    private static func bitPattern<Bits: FixedWidthInteger>(
        _: Bits.Type, in container: KeyedDecodingContainer<CodingKeys>
    ) throws -> Bits? {
        guard let text = try? container.decode(String.self, forKey: .value) else { return nil }
        guard text.hasPrefix("0x"), let bits = Bits(text.dropFirst(2), radix: 16) else {
            throw DecodingError.dataCorruptedError(
                forKey: .value, in: container, debugDescription: "'\(text)' is not a float's bits")
        }
        return bits
    }
}
