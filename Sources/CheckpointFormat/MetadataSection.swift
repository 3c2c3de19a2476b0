internal import Codecs
internal import OrderedCollections
internal import SystemPackage

/// The body of the metadata section: keys and values as GGUF encodes them.
enum MetadataSection {
    static func encoded(_ metadata: Metadata) -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.integer(UInt64(metadata.count))
        for (key, value) in metadata {
            encoder.countedString(key)
            encoder.integer(value.type.rawValue)
            encode(value, into: &encoder)
        }
        return encoder.bytes
    }

    private static func encode(_ value: MetadataValue, into encoder: inout ByteEncoder) {
        switch value {
        case .uint8(let value): encoder.integer(value)
        case .int8(let value): encoder.integer(value)
        case .uint16(let value): encoder.integer(value)
        case .int16(let value): encoder.integer(value)
        case .uint32(let value): encoder.integer(value)
        case .int32(let value): encoder.integer(value)
        case .float32(let value): encoder.integer(value.bitPattern)
        case .bool(let value): encoder.integer(UInt8(value ? 1 : 0))
        case .string(let value): encoder.countedString(value)
        case .array(let array):
            encoder.integer(array.elementType.rawValue)
            encoder.integer(UInt64(array.elements.count))
            for element in array.elements { encode(element, into: &encoder) }
        case .uint64(let value): encoder.integer(value)
        case .int64(let value): encoder.integer(value)
        case .float64(let value): encoder.integer(value.bitPattern)
        }
    }

    static func decode(_ decoder: inout ByteDecoder) throws(CheckpointError) -> Metadata {
        var metadata = Metadata()
        let count = try decoder.count("count")
        for _ in 0..<count {
            let start = decoder.position
            let key = try decoder.countedString("key")
            guard !key.isEmpty else { throw decoder.failure(field: "key", from: start, "a key is empty") }
            let type = try type(&decoder, key)
            let value = try value(of: type, &decoder, key, depth: 0)
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw decoder.failure(field: key, from: start, "the key occurs twice")
            }
        }
        try decoder.finish()
        return metadata
    }

    private static func type(_ decoder: inout ByteDecoder, _ key: String) throws(CheckpointError) -> MetadataType {
        let start = decoder.position
        let code: UInt32 = try decoder.integer(key)
        guard let type = MetadataType(rawValue: code) else {
            throw decoder.failure(.unsupportedVersion, field: key, from: start, "unknown value type \(code)")
        }
        return type
    }

    private static func value(
        of type: MetadataType, _ decoder: inout ByteDecoder, _ key: String, depth: Int
    ) throws(CheckpointError) -> MetadataValue {
        switch type {
        case .uint8: return .uint8(try decoder.integer(key))
        case .int8: return .int8(Int8(bitPattern: try decoder.integer(key)))
        case .uint16: return .uint16(try decoder.integer(key))
        case .int16: return .int16(Int16(bitPattern: try decoder.integer(key)))
        case .uint32: return .uint32(try decoder.integer(key))
        case .int32: return .int32(Int32(bitPattern: try decoder.integer(key)))
        case .float32: return .float32(Float(bitPattern: try decoder.integer(key)))
        case .bool:
            let start = decoder.position
            let code: UInt8 = try decoder.integer(key)
            guard code <= 1 else {
                throw decoder.failure(
                    field: key, from: start, "a bool is neither 0 nor 1", found: "\(code)", expected: "0 or 1")
            }
            return .bool(code == 1)
        case .string: return .string(try decoder.countedString(key))
        case .array: return .array(try array(&decoder, key, depth: depth))
        case .uint64: return .uint64(try decoder.integer(key))
        case .int64: return .int64(Int64(bitPattern: try decoder.integer(key)))
        case .float64: return .float64(Double(bitPattern: try decoder.integer(key)))
        }
    }

    private static func array(
        _ decoder: inout ByteDecoder, _ key: String, depth: Int
    ) throws(CheckpointError) -> MetadataArray {
        let start = decoder.position
        guard depth < Format.maximumArrayDepth else {
            throw decoder.failure(
                field: key, from: start, "arrays lie too deep in arrays", found: "\(depth + 1) levels",
                expected: "at most \(Format.maximumArrayDepth)")
        }
        let elementType = try type(&decoder, key)
        let count = try decoder.count(key)
        // Every element takes at least a byte, so the count is bounded before anything is allocated.
        guard count <= decoder.remaining else {
            throw decoder.failure(
                field: key, from: start, "the array has more elements than bytes are left", found: "\(count)",
                expected: "at most \(decoder.remaining)")
        }
        var elements: [MetadataValue] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            elements.append(try value(of: elementType, &decoder, key, depth: depth + 1))
        }
        guard let array = MetadataArray(elementType: elementType, elements: elements) else {
            throw decoder.failure(field: key, from: start, "the elements have different types")
        }
        return array
    }
}
