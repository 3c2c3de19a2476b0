internal import ArgumentParser
internal import SystemPackage

/// Data for people and programs.
enum StandardOutput {
    /// Writes a text.
    ///
    /// - Throws: An exit without words where the reader has gone, as `head` does; else what could not be written.
    static func write(_ text: String) throws {
        do {
            try FileDescriptor.standardOutput.writeAll(text.utf8)
        } catch Errno.brokenPipe {
            // What a shell reports of a program that SIGPIPE ended.
            throw ExitCode(141)
        } catch {
            throw CommandFailure.couldNotRun("standard output: cannot write: \(error)")
        }
    }
}
