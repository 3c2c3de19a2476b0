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
        /// The model cannot be trained in the machine's memory; both sizes in bytes.
        case tooLarge(parameterCount: Int, byteCount: Int, available: Int)
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
        case .tooLarge(let parameterCount, let byteCount, let available):
            "model: found \(parameterCount) parameters, which take \(byteCount) bytes with gradients and moments, "
                + "expected at most this machine's \(available) bytes"
        case .cannotWrite(let path, let reason): "\(path): cannot write: \(reason)"
        }
    }
}
