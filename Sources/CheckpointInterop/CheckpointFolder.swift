public import CheckpointFormat
public import SystemPackage

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The checkpoint files below a folder.
public enum CheckpointFolder {
    /// The files that hold checkpoints, judged by their content, in the order of their paths.
    ///
    /// Hidden files and folders are left out, links to folders are not followed.
    ///
    /// - Throws: ``CheckpointError`` where a folder cannot be listed.
    public static func checkpoints(below folder: FilePath) throws(CheckpointError) -> [FilePath] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder.string)
        } catch {
            throw CheckpointError(.io, path: folder, problem: "cannot list the folder")
        }
        var found: [FilePath] = []
        for name in names.sorted() where !name.hasPrefix(".") {
            let path = folder.appending(name)
            guard let status = try? Stat(path, followTargetSymlink: false) else { continue }
            if status.type == .directory {
                found += try checkpoints(below: path)
            } else if isCheckpoint(path) {
                found.append(path)
            }
        }
        return found
    }

    private static func isCheckpoint(_ path: FilePath) -> Bool {
        guard let file = try? InputFile(path: path), let signature = try? CheckpointSignature(of: file) else {
            return false
        }
        switch signature {
        case .unknown: return path.extension == "crux" || path.extension == "safetensors"
        // A folder of models holds many JSON files that are no index.
        case .json: return path.lastComponent?.string.hasSuffix(".index.json") ?? false
        case .zip: return (try? CheckpointOpener.open(path)) != nil
        default: return true
        }
    }
}
