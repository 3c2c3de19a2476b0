internal import CheckpointFormat
internal import Foundation
internal import SystemPackage

/// Standard input or output in place of a checkpoint's file: the argument `-`.
enum PipedCheckpoint {
    /// The argument.
    static let argument = "-"

    /// The path of a checkpoint to read.
    ///
    /// A checkpoint is read from both ends. So what comes through a pipe is put into a temporary file first, which then
    /// takes the place of standard input and goes when the program ends, however it ends.
    static func input(_ path: String) throws -> FilePath {
        guard path == argument else { return FilePath(path) }
        let standardInput = FileDescriptor.standardInput
        do {
            if try standardInput.stat().type != .regular {
                let folder = FilePath(FileManager.default.temporaryDirectory.path(percentEncoded: false))
                let name = folder.appending("crux-input-\(UUID().uuidString)")
                let file = try FileDescriptor.open(
                    name, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
                defer { try? file.close() }
                try FileManager.default.removeItem(atPath: name.string)
                try copy(standardInput, to: file)
                _ = try file.duplicate(as: standardInput)
            }
        } catch {
            throw CommandFailure.couldNotRun("standard input: cannot read: \(error)")
        }
        return "/dev/stdin"
    }

    /// Lets a body write a file, and copies it to standard output where that is asked for.
    static func output<Value>(_ path: String, _ body: (FilePath) throws -> Value) throws -> Value {
        guard path == argument else { return try body(FilePath(path)) }
        guard isatty(STDOUT_FILENO) == 0 else {
            throw CommandFailure.couldNotRun(
                "standard output: is a terminal, expected a pipe or a file for a checkpoint")
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "crux-output-\(UUID().uuidString)")
        let path = FilePath(folder.path(percentEncoded: false))
        try UnfinishedPaths.creating(path, remove: { try? FileManager.default.removeItem(at: folder) }) {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        }
        defer { UnfinishedPaths.settling(path) { try? FileManager.default.removeItem(at: folder) } }
        let name = path.appending("checkpoint")
        let value = try body(name)
        let file = try FileDescriptor.open(name, .readOnly)
        defer { try? file.close() }
        do {
            try copy(file, to: .standardOutput)
        } catch Errno.brokenPipe {
            Interruption.end(by: SIGPIPE)
        } catch {
            throw CommandFailure.couldNotRun("standard output: cannot write: \(error)")
        }
        return value
    }

    private static func copy(_ source: FileDescriptor, to target: FileDescriptor) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try unsafe buffer.withUnsafeMutableBytes { unsafe try source.read(into: $0) }
            guard count > 0 else { return }
            _ = try unsafe buffer.withUnsafeBytes { bytes in
                unsafe try target.writeAll(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
        }
    }
}
