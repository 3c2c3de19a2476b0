/// A model that cannot be built or a call whose arguments do not fit it.
public struct ModelError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The field or argument, for example `model.head_count`.
    public let field: String
    /// What was found.
    public let found: String
    /// What would have been accepted.
    public let expected: String

    /// Names the field, what was found and what was expected.
    public init(field: String, found: String, expected: String) {
        self.field = field
        self.found = found
        self.expected = expected
    }

    /// One line: field, found, expected.
    public var description: String { "\(field): found \(found), expected \(expected)" }
}
