internal import OrderedCollections

/// What metadata in bytes may look like beyond what GGUF and crux have in common.
package struct MetadataRules: Sendable {
    /// How many arrays may lie in each other.
    package var maximumArrayDepth = Format.maximumArrayDepth
    /// Whether every byte but 0 is true, or only 1.
    package var allowsAnyTrueByte = false

    /// Crux's rules.
    package init() {}
}

extension ByteEncoder {
    /// Keys and values, without their count.
    package mutating func metadata(_ metadata: Metadata) {
        for (key, value) in metadata {
            countedString(key)
            integer(value.type.rawValue)
            self.metadata(value)
        }
    }

    private mutating func metadata(_ value: MetadataValue) {
        switch value {
        case .uint8(let value): integer(value)
        case .int8(let value): integer(value)
        case .uint16(let value): integer(value)
        case .int16(let value): integer(value)
        case .uint32(let value): integer(value)
        case .int32(let value): integer(value)
        case .float32(let value): integer(value.bitPattern)
        case .bool(let value): integer(UInt8(value ? 1 : 0))
        case .string(let value): countedString(value)
        case .array(let array):
            integer(array.elementType.rawValue)
            integer(UInt64(array.elements.count))
            for element in array.elements { metadata(element) }
        case .uint64(let value): integer(value)
        case .int64(let value): integer(value)
        case .float64(let value): integer(value.bitPattern)
        }
    }
}

extension ByteDecoder {
    /// So many keys and values.
    ///
    /// - Throws: ``CheckpointError`` for an empty key, one that occurs twice, and what the rules forbid.
    package mutating func metadata(count: Int, rules: MetadataRules) throws(CheckpointError) -> Metadata {
        var metadata = Metadata()
        for _ in 0..<count {
            let start = position
            let key = try countedString("key")
            guard !key.isEmpty else { throw failure(field: "key", from: start, "a key is empty") }
            let type = try metadataType(key)
            let value = try metadataValue(of: type, key, rules: rules, depth: 0)
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw failure(field: key, from: start, "the key occurs twice")
            }
        }
        return metadata
    }

    private mutating func metadataType(_ key: String) throws(CheckpointError) -> MetadataType {
        let start = position
        let code: UInt32 = try integer(key)
        guard let type = MetadataType(rawValue: code) else {
            throw failure(.unsupportedVersion, field: key, from: start, "unknown value type \(code)")
        }
        return type
    }

    private mutating func metadataValue(
        of type: MetadataType, _ key: String, rules: MetadataRules, depth: Int
    ) throws(CheckpointError) -> MetadataValue {
        switch type {
        case .uint8: return .uint8(try integer(key))
        case .int8: return .int8(Int8(bitPattern: try integer(key)))
        case .uint16: return .uint16(try integer(key))
        case .int16: return .int16(Int16(bitPattern: try integer(key)))
        case .uint32: return .uint32(try integer(key))
        case .int32: return .int32(Int32(bitPattern: try integer(key)))
        case .float32: return .float32(Float(bitPattern: try integer(key)))
        case .bool:
            let start = position
            let code: UInt8 = try integer(key)
            guard code <= 1 || rules.allowsAnyTrueByte else {
                throw failure(
                    field: key, from: start, "a bool is neither 0 nor 1", found: "\(code)", expected: "0 or 1")
            }
            return .bool(code != 0)
        case .string: return .string(try countedString(key))
        case .array: return .array(try metadataArray(key, rules: rules, depth: depth))
        case .uint64: return .uint64(try integer(key))
        case .int64: return .int64(Int64(bitPattern: try integer(key)))
        case .float64: return .float64(Double(bitPattern: try integer(key)))
        }
    }

    private mutating func metadataArray(
        _ key: String, rules: MetadataRules, depth: Int
    ) throws(CheckpointError) -> MetadataArray {
        let start = position
        guard depth < rules.maximumArrayDepth else {
            throw failure(
                field: key, from: start, "arrays lie too deep in arrays", found: "\(depth + 1) levels",
                expected: "at most \(rules.maximumArrayDepth)")
        }
        let elementType = try metadataType(key)
        let count = try count(key)
        // Every element takes at least a byte, so the count is bounded before anything is allocated.
        guard count <= remaining else {
            throw shortage(
                of: key, from: start, "the array has more elements than bytes are left", found: "\(count)",
                expected: "at most \(remaining)")
        }
        var elements: [MetadataValue] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            elements.append(try metadataValue(of: elementType, key, rules: rules, depth: depth + 1))
        }
        guard let array = MetadataArray(elementType: elementType, elements: elements) else {
            throw failure(field: key, from: start, "the elements have different types")
        }
        return array
    }
}
