internal import Foundation

/// Progress and messages; data goes to standard output.
enum StandardError {
    /// Writes a text at once. A closed standard error is ignored: there is nowhere to say so.
    static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
