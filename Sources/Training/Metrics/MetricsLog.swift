package import SystemPackage

/// The run's metrics as JSON lines: kept in memory for the checkpoint and appended to a file.
package struct MetricsLog: ~Copyable {
    /// All lines so far.
    package private(set) var text: String
    private let path: FilePath?
    private let file: FileDescriptor?

    /// Starts the log with the lines of a checkpoint, or none; what the file held before is replaced, so that
    /// a resumed run does not write a step twice.
    ///
    /// - Throws: ``TrainingError`` where the file cannot be written.
    package init(startingWith text: String, path: FilePath?) throws(TrainingError) {
        self.text = text
        self.path = path
        guard let path else {
            file = nil
            return
        }
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [
                    .ownerReadWrite, .groupRead, .otherRead,
                ])
            try file.writeAll(text.utf8)
            self.file = file
        } catch {
            throw Self.failure(path, error)
        }
    }

    deinit { try? file?.close() }

    /// Appends one line.
    ///
    /// - Throws: ``TrainingError`` where the file cannot be written.
    package mutating func append(_ record: MetricsRecord) throws(TrainingError) {
        let line = record.json + "\n"
        text += line
        guard let file, let path else { return }
        do {
            try file.writeAll(line.utf8)
        } catch {
            throw Self.failure(path, error)
        }
    }

    private static func failure(_ path: FilePath, _ error: any Error) -> TrainingError {
        TrainingError(.cannotWrite(path: path.string, reason: "\(error)"))
    }
}
