extension MetadataValue {
    /// Reads a value of a type from a text, as a person writes it: `7`, `-0.5`, `nan`, `true`, any string. The
    /// elements of an array stand between commas.
    ///
    /// - Parameters:
    ///   - text: The value.
    ///   - type: The value's type.
    ///   - elementType: Of an array: the type of its elements, not itself an array.
    /// - Returns: nil where the text is no value of the type, or does not fit into it.
    public init?(text: String, type: MetadataType, elementType: MetadataType? = nil) {
        func value<Value: LosslessStringConvertible>(_ wrap: (Value) -> MetadataValue) -> MetadataValue? {
            Value(text).map(wrap)
        }
        let parsed: MetadataValue? =
            switch type {
            case .uint8: value(Self.uint8)
            case .int8: value(Self.int8)
            case .uint16: value(Self.uint16)
            case .int16: value(Self.int16)
            case .uint32: value(Self.uint32)
            case .int32: value(Self.int32)
            case .float32: value(Self.float32)
            case .bool: value(Self.bool)
            case .string: .string(text)
            case .array: elementType.flatMap { Self.array(text, of: $0) }
            case .uint64: value(Self.uint64)
            case .int64: value(Self.int64)
            case .float64: value(Self.float64)
            }
        guard let parsed else { return nil }
        self = parsed
    }

    private static func array(_ text: String, of type: MetadataType) -> MetadataValue? {
        guard type != .array else { return nil }
        let pieces = text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false)
        let elements = pieces.compactMap { MetadataValue(text: String($0), type: type) }
        guard elements.count == pieces.count else { return nil }
        return MetadataArray(elementType: type, elements: elements).map(MetadataValue.array)
    }
}
