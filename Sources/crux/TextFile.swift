internal import CheckpointFormat
internal import SystemPackage

/// Texts on disk.
enum TextFile {
    /// The file's content.
    ///
    /// - Throws: `CheckpointError` where it cannot be read; ``CommandFailure`` where it is not UTF-8.
    static func read(_ path: String) throws -> String {
        let file = try InputFile(path: FilePath(path))
        let bytes = try file.read(0..<file.byteCount)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure.couldNotRun("\(path): found bytes that are not UTF-8, expected a text")
        }
        return text
    }
}
