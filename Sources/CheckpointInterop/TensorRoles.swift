internal import CheckpointFormat
internal import OrderedCollections
internal import SystemPackage
internal import TensorCore

/// The roles of tensors in formats that have none: a reserved metadata entry holds them as JSON.
///
/// `crux.roles` is an object of tensor names and the roles of those that are no weights. Where all are weights,
/// there is no such entry.
struct TensorRoles {
    static let key = "crux.roles"

    /// The roles that are not ``TensorRole/weight``.
    private let roles: [String: TensorRole]

    /// Reads the entry's text; nil where a file has no such entry.
    ///
    /// - Throws: `CheckpointError` where it is not as described.
    init(text: String?, path: FilePath) throws(CheckpointError) {
        var roles: [String: TensorRole] = [:]
        if let text {
            do throws(JSONScanner.Failure) {
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
            } catch {
                throw CheckpointError.malformed(Self.key, error, path: path)
            }
        }
        self.roles = roles
    }

    /// The entry's text; nil where all tensors are weights.
    static func text(of tensors: some Sequence<TensorDescription>) -> String? {
        let others = tensors.filter { $0.role != .weight }
        guard !others.isEmpty else { return nil }
        var json = JSONText()
        json.append("{", others, "}") { json, tensor in
            json.append(string: tensor.name)
            json.append(verbatim: ":")
            json.append(string: tensor.role.name)
        }
        return json.string
    }

    /// The tensor with its role.
    func assigningRole(to tensor: TensorDescription) -> TensorDescription {
        guard let role = roles[tensor.name] else { return tensor }
        // The same shape has the same size: this cannot fail.
        return (try? TensorDescription(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, role: role))
            ?? tensor
    }
}

extension CheckpointError {
    /// A reserved metadata entry is not as crux writes it.
    static func malformed(_ key: String, _ failure: JSONScanner.Failure, path: FilePath) -> CheckpointError {
        CheckpointError(
            .invalid, path: path, place: CheckpointPlace(section: "header", field: key),
            problem: "byte \(failure.offset) of the value is not as crux writes it",
            comparison: .values(found: failure.found, expected: failure.expected))
    }
}
