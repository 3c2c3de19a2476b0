/// An experiment that cannot run or be read.
public struct ExperimentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Hashable, Sendable {
        /// Another process works in the folder.
        case busy(path: String)
        /// A file or folder could not be written.
        case cannotWrite(path: String, reason: String)
        /// A run's file is not what it should be.
        case unreadable(path: String, reason: String)
        /// Runs failed, each with its reason; those that needed them did not start.
        case runsFailed([String])
        /// A model cannot take part.
        case unsuitable(subject: String, found: String, expected: String)
    }

    /// What is wrong.
    public let problem: Problem

    /// Names the problem.
    public init(_ problem: Problem) { self.problem = problem }

    /// One line: place, found, expected.
    public var description: String {
        switch problem {
        case .busy(let path): "\(path): another process works there; --report makes the report without working"
        case .cannotWrite(let path, let reason): "\(path): cannot write: \(reason)"
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .runsFailed(let reasons): reasons.joined(separator: "; ")
        case .unsuitable(let subject, let found, let expected): "\(subject): found \(found), expected \(expected)"
        }
    }
}

/// The experiment was told to stop; what is finished is on disk.
public struct ExperimentInterrupted: Error, Hashable, Sendable {
    /// An interruption.
    public init() {}
}
