internal import Foundation
internal import SystemPackage

/// Data for people and programs.
enum StandardOutput {
    /// Writes a text.
    ///
    /// Where the reader has gone, as `head` does, the process ends without words, by SIGPIPE.
    ///
    /// - Throws: What could not be written.
    static func write(_ text: String) throws {
        do {
            try FileDescriptor.standardOutput.writeAll(text.utf8)
        } catch Errno.brokenPipe {
            Interruption.end(by: SIGPIPE)
        } catch {
            throw CommandFailure.couldNotRun("standard output: cannot write: \(error)")
        }
    }
}
