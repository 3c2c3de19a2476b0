internal import CheckpointFormat
internal import OrderedCollections
internal import SystemPackage
internal import TensorCore

/// Typed metadata and tensor roles in the strings that safetensors offers.
///
/// A string stays an entry of its own. Where there is anything else, two reserved entries hold it as JSON:
/// - `crux.metadata`: an object of all keys in order. A value is `{"<type>": <value>}`, for example
///   `{"uint64":1200}`, `{"float32":"0x7fc00000"}` (the bits of a float that is not finite),
///   `{"array":{"string":["a","b"]}}`; or `null` where the value is the string entry of that name. An entry
///   that was removed since is dropped, one that was added is appended.
/// - `crux.roles`: an object of tensor names and the roles of those that are no weights.
struct TypedMetadata {
    static let metadataKey = "crux.metadata"

    let metadata: Metadata
    let roles: TensorRoles

    /// Reads the strings of a file.
    ///
    /// - Throws: `CheckpointError` where a reserved entry is not as described.
    init(strings: OrderedDictionary<String, String>, path: FilePath) throws(CheckpointError) {
        do throws(JSONScanner.Failure) {
            metadata = try Self.metadata(in: strings)
        } catch {
            throw CheckpointError.malformed(Self.metadataKey, error, path: path)
        }
        roles = try TensorRoles(text: strings[TensorRoles.key], path: path)
    }

    /// Writes metadata and roles as strings: what ``init(strings:path:)`` reads.
    static func strings(
        metadata: Metadata, tensors: some Sequence<TensorDescription>
    ) -> OrderedDictionary<String, String> {
        var strings: OrderedDictionary<String, String> = [:]
        for (key, value) in metadata {
            if isPlain(key, value), let text = value.stringValue { strings[key] = text }
        }
        if strings.count < metadata.count {
            var json = JSONText()
            json.append("{", metadata, "}") { json, entry in
                json.append(string: entry.key)
                json.append(verbatim: ":")
                if isPlain(entry.key, entry.value) {
                    json.append(verbatim: "null")
                } else {
                    MetadataText.append(entry.value, to: &json)
                }
            }
            strings[metadataKey] = json.string
        }
        if let text = TensorRoles.text(of: tensors) { strings[TensorRoles.key] = text }
        return strings
    }

    /// Whether a value is written as an entry of its own.
    private static func isPlain(_ key: String, _ value: MetadataValue) -> Bool {
        value.type == .string && key != metadataKey && key != TensorRoles.key
    }

    private static func metadata(
        in strings: OrderedDictionary<String, String>
    ) throws(JSONScanner.Failure) -> Metadata {
        let plain = strings.filter { $0.key != metadataKey && $0.key != TensorRoles.key }
        var metadata: Metadata = [:]
        if let text = strings[metadataKey] {
            var scanner = JSONScanner(text)
            try scanner.object { (scanner, key, _) throws(JSONScanner.Failure) in
                if try scanner.scan("null") {
                    if let text = plain[key] { metadata[key] = .string(text) }
                } else {
                    metadata[key] = try MetadataText.scan(&scanner)
                }
            }
            try scanner.end()
        }
        for (key, text) in plain where metadata[key] == nil { metadata[key] = .string(text) }
        return metadata
    }
}
