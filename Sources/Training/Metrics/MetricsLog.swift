package import SystemPackage

/// The run's metrics as JSON lines: kept in memory for the checkpoint, appended to a file, and on demand to an event file
/// of TensorBoard.
package struct MetricsLog: ~Copyable {
    /// All lines so far.
    package private(set) var text: String
    private let path: FilePath?
    private let file: FileDescriptor?
    private let tensorBoard: TensorBoardLog?

    /// Starts the log with the lines of a checkpoint, or none; what the file held before is replaced, so that
    /// a resumed run does not write a step twice.
    ///
    /// - Parameters:
    ///   - path: The file of JSON lines.
    ///   - tensorBoardFolder: The event file's folder.
    ///   - name: The run's name in the event file's.
    /// - Throws: ``TrainingError`` where a file cannot be written.
    package init(
        startingWith text: String, path: FilePath?, tensorBoardFolder: FilePath? = nil, name: String = "run"
    ) throws(TrainingError) {
        let tensorBoard = try tensorBoardFolder.map { folder throws(TrainingError) in
            try TensorBoardLog(startingWith: text, folder: folder, name: name)
        }
        let file = try path.map { path throws(TrainingError) in try Self.open(path, startingWith: text) }
        self.text = text
        self.path = path
        self.file = file
        self.tensorBoard = tensorBoard
    }

    private static func open(_ path: FilePath, startingWith text: String) throws(TrainingError) -> FileDescriptor {
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try file.writeAll(text.utf8)
            return file
        } catch {
            throw failure(path, error)
        }
    }

    deinit { try? file?.close() }

    /// Appends one line.
    ///
    /// - Throws: ``TrainingError`` where the file cannot be written.
    package mutating func append(_ record: MetricsRecord) throws(TrainingError) {
        let line = record.json + "\n"
        text += line
        try tensorBoard?.append(record)
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
