internal import CheckpointFormat
internal import SystemPackage

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A folder that appears under its name only when everything in it is complete.
final class OutputFolder {
    /// Where its files are written; they are moved with it.
    let unfinished: FilePath
    private let path: FilePath
    private var isOpen = true

    /// Begins a folder.
    ///
    /// - Throws: `CheckpointError` where there is a file, or a folder with content, or none can be created.
    init(at path: FilePath) throws(CheckpointError) {
        self.path = path
        let files = FileManager.default
        if (try? Stat(path)) != nil {
            guard let content = try? files.contentsOfDirectory(atPath: path.string), content.isEmpty else {
                throw CheckpointError(
                    .io, path: path, problem: "cannot be written",
                    comparison: .values(found: "a file, or a folder with content", expected: "no or an empty folder"))
            }
        }
        let name = path.lastComponent?.string ?? "folder"
        unfinished = path.removingLastComponent().appending(
            ".\(name).\(ProcessInfo.processInfo.processIdentifier).unfinished")
        do {
            try UnfinishedPaths.creating(
                unfinished, remove: { [unfinished] in try? FileManager.default.removeItem(atPath: unfinished.string) }
            ) { try files.createDirectory(atPath: unfinished.string, withIntermediateDirectories: false) }
        } catch {
            throw CheckpointError(.io, path: path, problem: "the folder cannot be created: \(error)")
        }
    }

    deinit { discard() }

    /// Writes a whole file.
    func write(_ text: String, to name: String) throws(CheckpointError) {
        try OutputFile.write(text, to: unfinished.appending(name))
    }

    /// Gives the folder its name.
    func finish() throws(CheckpointError) {
        do {
            try UnfinishedPaths.settling(unfinished) {
                if (try? Stat(path)) != nil { try FileManager.default.removeItem(atPath: path.string) }
                try FileManager.default.moveItem(atPath: unfinished.string, toPath: path.string)
            }
            isOpen = false
        } catch {
            throw CheckpointError(.io, path: path, problem: "cannot be put in place: \(error)")
        }
    }

    /// Gives up: removes what was written. Does nothing after ``finish()``.
    func discard() {
        guard isOpen else { return }
        isOpen = false
        UnfinishedPaths.settling(unfinished) { try? FileManager.default.removeItem(atPath: unfinished.string) }
    }
}
