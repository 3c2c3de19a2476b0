internal import CheckpointFormat
internal import SystemPackage

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A folder that appears under its name only when everything in it is complete.
///
/// What a killed process has left is removed by the next save to the same target.
final class OutputFolder {
    /// Where its files are written; they are moved with it.
    let unfinished: FilePath
    private let path: FilePath
    /// The unfinished folder, locked as long as it is this one's.
    private let descriptor: FileDescriptor
    private var isOpen = true

    /// Begins a folder.
    ///
    /// - Throws: `CheckpointError` where there is a file, or a folder with content, or none can be created.
    init(at path: FilePath) throws(CheckpointError) {
        let path = OutputFile.followingLinks(path)
        self.path = path
        let files = FileManager.default
        if (try? Stat(path)) != nil {
            guard let content = try? files.contentsOfDirectory(atPath: path.string), content.isEmpty else {
                throw CheckpointError(
                    .io, path: path, problem: "cannot be written",
                    comparison: .values(found: "a file, or a folder with content", expected: "no or an empty folder"))
            }
        }
        let names = TemporaryName(of: path)
        names.removeAbandoned(.directory) { try FileManager.default.removeItem(atPath: $0.string) }
        do {
            (unfinished, descriptor) = try Self.fresh(names)
        } catch {
            throw CheckpointError(.io, path: path, problem: "the folder cannot be created: \(error)")
        }
    }

    deinit { discard() }

    private static func fresh(_ names: TemporaryName) throws -> (FilePath, FileDescriptor) {
        while true {
            let path = names.fresh()
            let descriptor = try UnfinishedPaths.creating(path, remove: { remove(path) }) {
                try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
                return try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
            }
            // In the moment before it was locked, another save may have taken the folder for an abandoned one.
            if TemporaryName.claim(descriptor) { return (path, descriptor) }
            try? descriptor.close()
            UnfinishedPaths.settling(path) { remove(path) }
        }
    }

    private static func remove(_ path: FilePath) { try? FileManager.default.removeItem(atPath: path.string) }

    /// Writes a whole file.
    func write(_ text: String, to name: String) throws(CheckpointError) {
        try OutputFile.write(text, to: unfinished.appending(name))
    }

    /// Gives the folder its name, and makes that durable.
    func finish() throws(CheckpointError) {
        do {
            try UnfinishedPaths.settling(unfinished) { try Platform.rename(unfinished, to: path) }
            isOpen = false
            try? descriptor.close()
            let parent = path.removingLastComponent()
            let folder = try FileDescriptor.open(
                parent.isEmpty ? "." : parent, .readOnly, options: [.directory, .closeOnExec])
            defer { try? folder.close() }
            try Platform.synchronise(folder)
        } catch {
            throw CheckpointError(.io, path: path, problem: "cannot be put in place: \(error)")
        }
    }

    /// Gives up: removes what was written. Does nothing after ``finish()``.
    func discard() {
        guard isOpen else { return }
        isOpen = false
        UnfinishedPaths.settling(unfinished) { Self.remove(unfinished) }
        try? descriptor.close()
    }
}
