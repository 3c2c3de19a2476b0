/// A run that cannot start, go on or be resumed.
public struct TrainingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Hashable, Sendable {
        /// A loss or gradient became infinite or NaN.
        case notFinite(quantity: String, step: Int)
        /// A checkpoint lacks something that the command needs, or has it in another form.
        case unsuitableCheckpoint(path: String, field: String, found: String, expected: String)
        /// A resumed run differs from the one that was saved.
        case resumeRefused(path: String, differences: [String])
        /// The run does not fit the machine's memory; both sizes in bytes, and the part that needs most.
        case tooLarge(parameterCount: Int, byteCount: Int, available: Int, largest: String)
        /// No figure of the run has the name that `evaluation.metric` gives.
        case unknownMetric(name: String, known: [String])
        /// A file could not be written.
        case cannotWrite(path: String, reason: String)
    }

    /// What is wrong.
    public let problem: Problem

    /// Names the problem.
    public init(_ problem: Problem) { self.problem = problem }

    /// One line: file or step, field, found, expected.
    public var description: String {
        switch problem {
        case .notFinite(let quantity, let step):
            "step \(step): \(quantity) is infinite or not a number; a lower learning rate or gradient clipping may help"
        case .unsuitableCheckpoint(let path, let field, let found, let expected):
            "\(path): \(field): found \(found), expected \(expected)"
        case .resumeRefused(let path, let differences):
            "\(path): cannot resume: " + differences.joined(separator: "; ")
        case .tooLarge(let parameterCount, let byteCount, let available, let largest):
            "model: found \(parameterCount) parameters, which take \(byteCount) bytes to train (most of them for "
                + "\(largest)), expected at most this machine's \(available) bytes; --dry-run shows each part"
        case .unknownMetric(let name, let known):
            "evaluation.metric: found '\(name)', expected one of \(known.joined(separator: ", "))"
        case .cannotWrite(let path, let reason): "\(path): cannot write: \(reason)"
        }
    }
}
