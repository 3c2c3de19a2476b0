public import OrderedCollections

/// A checkpoint's metadata: keys and typed values in the order of the file.
public typealias Metadata = OrderedDictionary<String, MetadataValue>

/// A metadata value of one of GGUF's thirteen types.
///
/// Two values are equal where their types and bits are: a NaN equals itself, −0 differs from 0.
public enum MetadataValue: Sendable {
    /// An unsigned integer of 8 bits.
    case uint8(UInt8)
    /// A signed integer of 8 bits.
    case int8(Int8)
    /// An unsigned integer of 16 bits.
    case uint16(UInt16)
    /// A signed integer of 16 bits.
    case int16(Int16)
    /// An unsigned integer of 32 bits.
    case uint32(UInt32)
    /// A signed integer of 32 bits.
    case int32(Int32)
    /// A float of 32 bits.
    case float32(Float)
    /// True or false.
    case bool(Bool)
    /// Text.
    case string(String)
    /// Values of one type.
    case array(MetadataArray)
    /// An unsigned integer of 64 bits.
    case uint64(UInt64)
    /// A signed integer of 64 bits.
    case int64(Int64)
    /// A float of 64 bits.
    case float64(Double)
}

/// Values of one type; the type is known even where there are no values.
public struct MetadataArray: Hashable, Sendable {
    /// The type of every element.
    public let elementType: MetadataType
    /// The values.
    public let elements: [MetadataValue]

    /// Makes an array, or nil where an element has another type.
    public init?(elementType: MetadataType, elements: [MetadataValue]) {
        guard elements.allSatisfy({ $0.type == elementType }) else { return nil }
        self.elementType = elementType
        self.elements = elements
    }

    /// An array of strings.
    public init(_ strings: [String]) {
        elementType = .string
        elements = strings.map(MetadataValue.string)
    }
}

/// The type of a metadata value; the raw value is GGUF's and the file's.
public enum MetadataType: UInt32, CaseIterable, Hashable, Sendable, CustomStringConvertible {
    case uint8 = 0
    case int8 = 1
    case uint16 = 2
    case int16 = 3
    case uint32 = 4
    case int32 = 5
    case float32 = 6
    case bool = 7
    case string = 8
    case array = 9
    case uint64 = 10
    case int64 = 11
    case float64 = 12

    /// The name of the case.
    public var description: String {
        switch self {
        case .uint8: "uint8"
        case .int8: "int8"
        case .uint16: "uint16"
        case .int16: "int16"
        case .uint32: "uint32"
        case .int32: "int32"
        case .float32: "float32"
        case .bool: "bool"
        case .string: "string"
        case .array: "array"
        case .uint64: "uint64"
        case .int64: "int64"
        case .float64: "float64"
        }
    }

    /// The type of a name, as ``description`` gives it.
    public init?(name: String) {
        guard let type = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = type
    }
}

extension MetadataValue {
    /// The value's type.
    public var type: MetadataType {
        switch self {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .uint32: .uint32
        case .int32: .int32
        case .float32: .float32
        case .bool: .bool
        case .string: .string
        case .array: .array
        case .uint64: .uint64
        case .int64: .int64
        case .float64: .float64
        }
    }

    /// The text of a string, else nil.
    public var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The value of any integer type, where an Int can hold it, else nil.
    public var intValue: Int? {
        switch self {
        case .uint8(let value): Int(value)
        case .int8(let value): Int(value)
        case .uint16(let value): Int(value)
        case .int16(let value): Int(value)
        case .uint32(let value): Int(exactly: value)
        case .int32(let value): Int(value)
        case .uint64(let value): Int(exactly: value)
        case .int64(let value): Int(exactly: value)
        case .float32, .float64, .bool, .string, .array: nil
        }
    }

    /// The value of a float, or of an integer that a Double holds exactly, else nil.
    public var doubleValue: Double? {
        switch self {
        case .float32(let value): Double(value)
        case .float64(let value): value
        case .uint64(let value): Double(exactly: value)
        default: intValue.flatMap(Double.init(exactly:))
        }
    }

    /// The value of a bool, else nil.
    public var boolValue: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// The texts of an array of strings, else nil.
    public var stringArrayValue: [String]? {
        guard case .array(let array) = self, array.elementType == .string else { return nil }
        return array.elements.compactMap(\.stringValue)
    }
}

extension MetadataValue: Hashable {
    /// Compares types and bits.
    public static func == (left: MetadataValue, right: MetadataValue) -> Bool {
        switch (left, right) {
        case (.float32(let a), .float32(let b)): a.bitPattern == b.bitPattern
        case (.float64(let a), .float64(let b)): a.bitPattern == b.bitPattern
        case (.bool(let a), .bool(let b)): a == b
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.uint64(let a), .uint64(let b)): a == b
        default: left.type == right.type && left.intValue != nil && left.intValue == right.intValue
        }
    }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        switch self {
        case .float32(let value): hasher.combine(value.bitPattern)
        case .float64(let value): hasher.combine(value.bitPattern)
        case .bool(let value): hasher.combine(value)
        case .string(let value): for byte in value.utf8 { hasher.combine(byte) }
        case .array(let value): hasher.combine(value)
        case .uint64(let value): hasher.combine(value)
        case .uint8, .int8, .uint16, .int16, .uint32, .int32, .int64: hasher.combine(intValue)
        }
    }
}
