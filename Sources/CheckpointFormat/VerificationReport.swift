public import Codecs

/// What a verification has found.
public struct VerificationReport: Sendable, Codable, Hashable {
    /// How much was checked.
    public enum Mode: String, Sendable, Codable, Hashable, CaseIterable {
        /// All bytes against the digests of what is stored.
        case quick
        /// That, and every chunk decoded, against the digests of the content and of the tensors.
        case full
    }

    /// The file.
    public let path: String
    /// How much was checked.
    public let mode: Mode
    /// What is wrong, in the order of the file; empty for a valid file.
    public internal(set) var findings: [Finding] = []
    /// Findings beyond those that are listed.
    public internal(set) var unlistedFindingCount = 0
    /// The file's size.
    public internal(set) var byteCount = 0
    /// The number of tensors in the index.
    public internal(set) var tensorCount = 0
    /// The number of chunks in the index.
    public internal(set) var chunkCount = 0
    /// The version of the writer.
    public internal(set) var formatVersion: Int?
    /// The root of the file's hash tree.
    public internal(set) var fileDigest: Digest128?
    /// The digest of the tensors with the role weight.
    public internal(set) var weightsDigest: Digest128?

    /// What a delta says of its base; nil for a file that is no delta.
    public internal(set) var base: BaseReference?
    /// Why the base of a delta was not found, so that the content of its chunks could not be checked; nil where it
    /// was found, was not needed or was not looked for.
    public internal(set) var missingBase: String?

    /// Whether the content was checked, and not only what is stored.
    public var checksContent: Bool { mode == .full && missingBase == nil }

    /// Whether every byte is as it was written.
    public var isValid: Bool { findings.isEmpty }
    /// Whether the file could not be read at all, so that nothing is known about it.
    public var couldNotRun: Bool { findings.contains { $0.kind == .missing || $0.kind == .io } }

    /// How many findings are listed at most.
    static let maximumFindingCount = 1000

    init(path: String, mode: Mode) {
        self.path = path
        self.mode = mode
    }

    mutating func add(_ error: CheckpointError) {
        guard findings.count < Self.maximumFindingCount else {
            unlistedFindingCount += 1
            return
        }
        findings.append(Finding(error))
    }
}

/// One thing that is wrong with a file.
public struct Finding: Sendable, Codable, Hashable, CustomStringConvertible {
    /// What sort of failure it is.
    public let kind: CheckpointError.Kind
    /// The place in the file.
    public let place: CheckpointPlace
    /// What is wrong, without the place.
    public let problem: String
    /// What was found, or the computed checksum.
    public let found: String?
    /// What was expected, or the stored checksum.
    public let expected: String?
    /// Place, problem, found and expected in one line, without the path.
    public let description: String

    init(_ error: CheckpointError) {
        kind = error.kind
        place = error.place
        problem = error.problem
        found = error.found
        expected = error.expected
        description = error.detail
    }
}
