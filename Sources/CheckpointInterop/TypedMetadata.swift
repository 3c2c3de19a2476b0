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
    static let rolesKey = "crux.roles"

    let metadata: Metadata
    /// The roles that are not ``TensorRole/weight``.
    let roles: [String: TensorRole]

    /// Reads the strings of a file.
    ///
    /// - Throws: `CheckpointError` where a reserved entry is not as described.
    init(strings: OrderedDictionary<String, String>, path: FilePath) throws(CheckpointError) {
        do throws(JSONScanner.Failure) {
            metadata = try Self.metadata(in: strings)
        } catch {
            throw Self.failure(Self.metadataKey, error, path: path)
        }
        do throws(JSONScanner.Failure) {
            roles = try Self.roles(in: strings)
        } catch {
            throw Self.failure(Self.rolesKey, error, path: path)
        }
    }

    /// The tensor with its role.
    func assigningRole(to tensor: TensorDescription) -> TensorDescription {
        guard let role = roles[tensor.name] else { return tensor }
        // The same shape has the same size: this cannot fail.
        return (try? TensorDescription(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, role: role))
            ?? tensor
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
        let others = tensors.filter { $0.role != .weight }
        if !others.isEmpty {
            var json = JSONText()
            json.append("{", others, "}") { json, tensor in
                json.append(string: tensor.name)
                json.append(verbatim: ":")
                json.append(string: tensor.role.name)
            }
            strings[rolesKey] = json.string
        }
        return strings
    }

    /// Whether a value is written as an entry of its own.
    private static func isPlain(_ key: String, _ value: MetadataValue) -> Bool {
        value.type == .string && key != metadataKey && key != rolesKey
    }

    private static func metadata(
        in strings: OrderedDictionary<String, String>
    ) throws(JSONScanner.Failure) -> Metadata {
        let plain = strings.filter { $0.key != metadataKey && $0.key != rolesKey }
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

    private static func roles(
        in strings: OrderedDictionary<String, String>
    ) throws(JSONScanner.Failure) -> [String: TensorRole] {
        guard let text = strings[rolesKey] else { return [:] }
        var roles: [String: TensorRole] = [:]
        var scanner = JSONScanner(text)
        try scanner.object { (scanner, tensor, offset) throws(JSONScanner.Failure) in
            let name = try scanner.string()
            guard let role = TensorRole.allCases.first(where: { $0.name == name }) else {
                throw JSONScanner.Failure(
                    offset: offset, found: "the role \(name.debugDescription)",
                    expected: TensorRole.allCases.map(\.name).joined(separator: ", "))
            }
            roles[tensor] = role
        }
        try scanner.end()
        return roles
    }

    private static func failure(_ key: String, _ failure: JSONScanner.Failure, path: FilePath) -> CheckpointError {
        CheckpointError(
            .invalid, path: path, place: CheckpointPlace(section: "header", field: key),
            problem: "byte \(failure.offset) of the value is not as crux writes it",
            comparison: .values(found: failure.found, expected: failure.expected))
    }
}
