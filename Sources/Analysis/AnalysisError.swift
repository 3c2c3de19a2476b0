internal import LanguageModel
public import CheckpointFormat

/// Why a report could not be made.
public enum AnalysisError: Error, Sendable, CustomStringConvertible {
    /// A file could not be read.
    case checkpoint(CheckpointError)
    /// Something in a file or among the arguments does not fit: where, what was found, what was expected.
    case unsuitable(subject: String, found: String, expected: String)

    /// A model that cannot be built from `subject`.
    static func model(_ error: ModelError, subject: String) -> AnalysisError {
        .unsuitable(subject: "\(subject): \(error.field)", found: error.found, expected: error.expected)
    }

    /// One line: where, what was found, what was expected.
    public var description: String {
        switch self {
        case .checkpoint(let error): error.description
        case .unsuitable(let subject, let found, let expected): "\(subject): found \(found), expected \(expected)"
        }
    }
}
