internal import Analysis
internal import CheckpointFormat
internal import SystemPackage

/// What an experiment keeps beside its runs, so that it is not measured again.
enum StoredJSON {
    /// Reads a file; nil where there is none.
    ///
    /// - Parameter meaning: What the file should hold and what becomes of it where it does not, for the error.
    /// - Throws: ``ExperimentError`` where the file holds something else; `CheckpointError` where it cannot be read.
    static func read<Value: Decodable>(_ path: FilePath, orElse meaning: String) throws -> Value? {
        guard (try? Stat(path)) != nil else { return nil }
        let file = try InputFile(path: path)
        let bytes = try file.read(0..<file.byteCount)
        do {
            return try ReportJSON.decode(Value.self, from: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw ExperimentError(.unreadable(path: path.string, reason: "\(meaning): \(error)"))
        }
    }

    /// Writes a file; it appears under its name only when it is whole.
    static func write(_ value: some Encodable, to path: FilePath) throws {
        try OutputFile.write(ReportJSON.encode(value), to: path)
    }
}
