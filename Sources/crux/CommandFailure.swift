/// An error that a command found itself, with the exit code that it means.
struct CommandFailure: Error {
    /// What could not be done: place, found, expected.
    let message: String
    /// 1 where something was judged and failed, 2 where the command could not run.
    let exitCode: Int32

    /// A command that could not run.
    static func couldNotRun(_ message: String) -> CommandFailure { CommandFailure(message: message, exitCode: 2) }
}
