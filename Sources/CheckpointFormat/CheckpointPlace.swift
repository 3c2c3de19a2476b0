/// A place in a checkpoint: part of the file, tensor, chunk, field, and the bytes concerned, as far as known.
public struct CheckpointPlace: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The part of the file, for example `header`, `index` or `chunk table`.
    public var section: String?
    /// The tensor's name.
    public var tensor: String?
    /// The chunk's number within the tensor, from 0.
    public var chunk: Int?
    /// The field's name in the specification, or a metadata key.
    public var field: String?
    /// The bytes of the file.
    public var byteRange: Range<Int>?

    /// Names a place; whatever is nil is left out.
    public init(
        section: String? = nil, tensor: String? = nil, chunk: Int? = nil, field: String? = nil,
        byteRange: Range<Int>? = nil
    ) {
        self.section = section
        self.tensor = tensor
        self.chunk = chunk
        self.field = field
        self.byteRange = byteRange
    }

    /// For example `tensor 'h.0.ln_1.weight', chunk 3 (bytes 4096–8191)`; empty where nothing is known.
    public var description: String {
        var parts: [String] = []
        if let tensor { parts.append("tensor '\(Self.printable(tensor))'") }
        if let section { parts.append(section) }
        if let chunk { parts.append("chunk \(chunk)") }
        if let field { parts.append(Self.printable(field)) }
        var text = parts.joined(separator: ", ")
        if let byteRange {
            let span =
                byteRange.count > 1
                ? "bytes \(byteRange.lowerBound)–\(byteRange.upperBound - 1)" : "byte \(byteRange.lowerBound)"
            text += text.isEmpty ? span : " (\(span))"
        }
        return text
    }

    /// A name from a file, with control characters written as `\u{…}` so that it cannot disturb a terminal.
    static func printable(_ name: String) -> String {
        var text = ""
        for scalar in name.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                text += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
