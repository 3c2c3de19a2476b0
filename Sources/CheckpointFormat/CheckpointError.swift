public import SystemPackage

/// Why a checkpoint could not be read, written or accepted: which file, where in it, what was found.
public struct CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What sort of failure it is, so that callers can decide without reading the words.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// The file is of no format that is known here.
        case notACheckpoint
        /// The file needs a newer reader, or a feature this one lacks.
        case unsupportedVersion
        /// The file ends before its content does.
        case truncated
        /// Stored bytes and their checksum disagree.
        case damaged
        /// The content breaks a rule of the format, or a call breaks a rule of the writer.
        case invalid
        /// A file, or a tensor that was asked for, is not there.
        case missing
        /// A delta was opened against another base than its own.
        case wrongBase
        /// The operating system refused.
        case io
    }

    /// Two values that should agree.
    public enum Comparison: Hashable, Sendable, Codable {
        /// What was found, and what was expected instead.
        case values(found: String, expected: String)
        /// The checksum stored in the file, and the one computed from its bytes.
        case checksums(stored: String, computed: String)
    }

    /// What sort of failure it is.
    public let kind: Kind
    /// The file.
    public let path: FilePath
    /// The place in the file.
    public let place: CheckpointPlace
    /// What is wrong, in lower case, without the place.
    public let problem: String
    /// The values that disagree, where there are two.
    public let comparison: Comparison?

    /// Describes a failure.
    public init(
        _ kind: Kind, path: FilePath, place: CheckpointPlace = CheckpointPlace(), problem: String,
        comparison: Comparison? = nil
    ) {
        self.kind = kind
        self.path = path
        self.place = place
        self.problem = problem
        self.comparison = comparison
    }

    /// What was found: a value, or the computed checksum.
    public var found: String? {
        switch comparison {
        case .values(let found, _): found
        case .checksums(_, let computed): computed
        case nil: nil
        }
    }

    /// What was expected: a value, or the stored checksum.
    public var expected: String? {
        switch comparison {
        case .values(_, let expected): expected
        case .checksums(let stored, _): stored
        case nil: nil
        }
    }

    /// One line: path, place, problem, found and expected.
    public var description: String { path.string + ": " + detail }

    /// The same failure, said of another place.
    func at(_ place: CheckpointPlace) -> CheckpointError {
        CheckpointError(kind, path: path, place: place, problem: problem, comparison: comparison)
    }

    /// The description without the path.
    public var detail: String {
        var text = place.description
        if !text.isEmpty { text += ": " }
        text += problem
        switch comparison {
        case .values(let found, let expected): text += ": found \(found), expected \(expected)"
        case .checksums(let stored, let computed): text += ": stored \(stored), computed \(computed)"
        case nil: break
        }
        return text
    }
}

extension CheckpointError {
    /// Stored and computed checksum differ.
    static func checksumMismatch(
        path: FilePath, place: CheckpointPlace, of what: String? = nil, stored: String, computed: String
    ) -> CheckpointError {
        CheckpointError(
            .damaged, path: path, place: place,
            problem: what.map { "checksum mismatch of \($0)" } ?? "checksum mismatch",
            comparison: .checksums(stored: stored, computed: computed))
    }
}
