/// A setting that cannot be used: where it stands, which key it is, what was found and what is expected.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Hashable, Sendable {
        /// The text is not YAML, with the parser's reason.
        case syntax(String)
        /// No setting has this key; the most similar one that exists.
        case unknownKey(nearest: String)
        /// The key stands there twice.
        case repeatedKey
        /// The value has another type or is out of range.
        case invalidValue(found: String, expected: String)
    }

    /// The file with its line, `file.yml:12`, or the option, `--set steps=x`.
    public let source: String
    /// The dotted key, for example `penalty.coefficient`; empty for a syntax error.
    public let key: String
    /// What is wrong.
    public let problem: Problem

    /// Names place, key and problem.
    public init(source: String, key: String, problem: Problem) {
        self.source = source
        self.key = key
        self.problem = problem
    }

    /// One line: place, key, found, expected.
    public var description: String {
        switch problem {
        case .syntax(let reason): "\(source): not valid YAML: \(reason)"
        case .unknownKey(let nearest): "\(source): unknown key '\(key)'; the nearest known key is '\(nearest)'"
        case .repeatedKey: "\(source): key '\(key)' for the second time"
        case .invalidValue(let found, let expected): "\(source): \(key): found \(found), expected \(expected)"
        }
    }
}
