internal import CFiles
package import SystemPackage

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a hidden temporary file beside the target. ``finish()`` makes them durable, renames the file
/// over the target and makes the folder durable. Whatever goes wrong before, the target stays as it was and
/// the temporary file is removed. What a killed process has left is removed by the next save to the same target.
package final class OutputFile {
    /// The path that was asked for.
    package let path: FilePath
    /// The bytes accepted so far.
    package private(set) var byteCount = 0

    private let operations: FileOperations
    private let target: FilePath
    private let temporary: FilePath?
    private var descriptor: FileDescriptor?
    /// Small pieces wait here, so that they cost no system call each.
    private let pending = ScratchBuffer()
    private static let pendingCapacity = 1 << 18
    /// The bytes that the system has been told to begin writing to the disk.
    private var startedByteCount = 0
    private var writtenByteCount = 0
    private static let writebackByteCount = 1 << 23

    private init(
        path: FilePath, target: FilePath, temporary: FilePath?, descriptor: FileDescriptor, operations: FileOperations
    ) {
        self.path = path
        self.target = target
        self.temporary = temporary
        self.descriptor = descriptor
        self.operations = operations
    }

    deinit { discard() }

    /// Begins a file.
    ///
    /// A symbolic link is followed, and an existing file's permissions are kept.
    package static func create(
        at path: FilePath, operations: FileOperations = .system
    ) throws(CheckpointError) -> OutputFile {
        let target = followingLinks(path)
        guard let name = target.lastComponent?.string, name != ".", name != ".." else {
            throw CheckpointError(.io, path: path, problem: "cannot write: the path names no file")
        }
        let existing = try? Stat(target)
        if let existing, existing.type != .regular {
            let problem = existing.type == .directory ? "is a folder" : "is not a regular file"
            throw CheckpointError(.io, path: path, problem: "cannot write: \(problem)")
        }
        let names = TemporaryName(of: target)
        // First, because what was left may be what fills the disk.
        names.removeAbandoned()
        let permissions = existing?.permissions ?? FilePermissions(rawValue: 0o666)
        do {
            while true {
                let temporary = names.fresh()
                let descriptor = try UnfinishedPaths.creating(temporary) {
                    try retrying { try operations.create(temporary, permissions) }
                }
                // In the moment before it was locked, another save may have taken the file for an abandoned one.
                guard TemporaryName.claim(descriptor) else {
                    try? descriptor.close()
                    UnfinishedPaths.settling(temporary) { try? operations.remove(temporary) }
                    continue
                }
                let file = OutputFile(
                    path: path, target: target, temporary: temporary, descriptor: descriptor, operations: operations)
                if existing != nil { try Platform.setPermissions(permissions, of: descriptor) }
                return file
            }
        } catch {
            throw failure(error, path: path, doing: "create a temporary file beside it")
        }
    }

    /// Writes to a descriptor that the caller keeps and closes: a pipe, or standard output.
    package static func stream(to descriptor: FileDescriptor, path: FilePath, operations: FileOperations = .system)
        -> OutputFile
    {
        OutputFile(path: path, target: path, temporary: nil, descriptor: descriptor, operations: operations)
    }

    /// Adds bytes at the end.
    package func write(_ bytes: RawSpan) throws(CheckpointError) {
        byteCount += bytes.byteCount
        if pending.count + bytes.byteCount <= Self.pendingCapacity {
            pending.append(bytes)
            return
        }
        try flush()
        try writeThrough(bytes)
    }

    /// Adds bytes at the end.
    package func write(_ bytes: [UInt8]) throws(CheckpointError) { try write(unsafe bytes.span.bytes) }

    /// Adds all bytes of a file at the end: shared with it where the file system can, else in bounded memory.
    package func write(contentOf file: InputFile) throws(CheckpointError) {
        if byteCount == 0, let descriptor {
            do {
                if try file.clone(into: descriptor, operations) {
                    byteCount = file.byteCount
                    return
                }
            } catch {
                throw Self.failure(error, path: path, doing: "write")
            }
        }
        var offset = 0
        while offset < file.byteCount {
            let end = min(offset + Format.leafByteCount, file.byteCount)
            try write(try file.read(offset..<end))
            offset = end
        }
    }

    /// Makes everything durable and gives the file its name.
    package func finish() throws(CheckpointError) {
        try flush()
        guard let descriptor else { return }
        do {
            try Self.retrying { try operations.synchronise(descriptor) }
            guard let temporary else {
                self.descriptor = nil
                return
            }
            // Some file systems report what could not be written only when a file is closed. The lock lasts until the
            // last of its descriptors is closed, so that nobody takes the file for an abandoned one meanwhile.
            do {
                try operations.close(try descriptor.duplicate())
            } catch Errno.interrupted {
                // Closed all the same.
            }
            try UnfinishedPaths.settling(temporary) { try Self.retrying { try operations.rename(temporary, target) } }
            self.descriptor = nil
            try? descriptor.close()
            let folder = target.removingLastComponent()
            let folderDescriptor = try FileDescriptor.open(
                folder.isEmpty ? "." : folder, .readOnly, options: [.directory, .closeOnExec])
            defer { try? folderDescriptor.close() }
            try Self.retrying { try operations.synchronise(folderDescriptor) }
        } catch {
            discard()
            throw Self.failure(error, path: path, doing: "write")
        }
    }

    /// Writes a whole text file, durably; it appears under its name only when it is whole.
    package static func write(_ text: String, to path: FilePath) throws(CheckpointError) {
        let file = try create(at: path)
        try file.write(Array(text.utf8))
        try file.finish()
    }

    /// Gives up: removes the temporary file. Does nothing after ``finish()``.
    package func discard() {
        guard let descriptor else { return }
        self.descriptor = nil
        guard let temporary else { return }
        try? descriptor.close()
        UnfinishedPaths.settling(temporary) { try? operations.remove(temporary) }
    }

    private func flush() throws(CheckpointError) {
        guard pending.count > 0 else { return }
        try pending.withBytes { bytes throws(CheckpointError) in try writeThrough(bytes) }
        pending.removeAll()
    }

    private func writeThrough(_ bytes: RawSpan) throws(CheckpointError) {
        guard let descriptor else {
            throw CheckpointError(.io, path: path, problem: "cannot write: the file is closed")
        }
        var done = 0
        while done < bytes.byteCount {
            do {
                let rest = bytes.extracting(droppingFirst: done)
                let count = try Self.retrying { try operations.write(descriptor, rest) }
                guard count > 0 else { throw Errno.ioError }
                done += count
                writtenByteCount += count
            } catch {
                throw Self.failure(error, path: path, doing: "write")
            }
        }
        // The disk works while the rest is encoded, instead of waiting for the end.
        if temporary != nil, writtenByteCount - startedByteCount >= Self.writebackByteCount {
            crux_start_writing(
                descriptor.rawValue, Int64(startedByteCount), Int64(writtenByteCount - startedByteCount))
            startedByteCount = writtenByteCount
        }
    }

    /// Repeats a call that a signal has interrupted.
    private static func retrying<Value>(_ call: () throws -> Value) throws -> Value {
        while true {
            do {
                return try call()
            } catch Errno.interrupted {
                continue
            }
        }
    }

    /// Where a path leads: what is written to a link is written to what it names.
    package static func followingLinks(_ path: FilePath) -> FilePath {
        var target = path
        // As many as Linux follows; a loop ends in the error of the open.
        for _ in 0..<40 {
            guard let next = Platform.linkTarget(target) else { break }
            target = next
        }
        return target
    }

    private static func failure(_ error: any Error, path: FilePath, doing action: String) -> CheckpointError {
        CheckpointError(.io, path: path, problem: "cannot \(action): \(error)")
    }
}
