/// Something that the addition task cannot work with.
public struct TaskError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The argument or field, for example `problem`.
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
