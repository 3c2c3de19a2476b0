/// What a check has found in one file, for the reports that pipelines read: JUnit, SARIF, GitHub's annotations.
public struct CheckedFile: Sendable, Hashable {
    /// One thing that was found.
    public struct Finding: Sendable, Hashable {
        /// How grave it is.
        public enum Level: String, Sendable, Hashable, Codable {
            case error, warning
        }

        /// How grave it is.
        public let level: Level
        /// The broken rule, in one word.
        public let rule: String
        /// Place, problem, found and expected.
        public let message: String
        /// The bytes of the file that it is about.
        public let byteRange: Range<Int>?

        /// Describes what was found.
        public init(level: Level, rule: String, message: String, byteRange: Range<Int>? = nil) {
            self.level = level
            self.rule = rule
            self.message = message
            self.byteRange = byteRange
        }
    }

    /// The file's path, as it was given.
    public let path: String
    /// Whether the check could not be made, so that nothing is known about the file.
    public let isUnreadable: Bool
    /// What was found, in the order of the file.
    public let findings: [Finding]

    /// Describes the outcome for one file.
    public init(path: String, isUnreadable: Bool, findings: [Finding]) {
        self.path = path
        self.isUnreadable = isUnreadable
        self.findings = findings
    }
}
