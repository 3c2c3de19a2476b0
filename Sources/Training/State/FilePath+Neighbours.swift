import CheckpointFormat
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension FilePath {
    /// The files of this file's folder, by name.
    ///
    /// - Throws: `CheckpointError` where the folder cannot be listed.
    func filesBeside() throws(CheckpointError) -> [FilePath] {
        let folder = removingLastComponent()
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : folder.string)
                .sorted().map { folder.appending($0) }
        } catch {
            throw CheckpointError(.io, path: folder, problem: "cannot list the folder")
        }
    }
}
