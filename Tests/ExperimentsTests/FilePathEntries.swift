import Foundation
import SystemPackage

/// The entries of a folder that an experiment made.
enum FilePathEntries {
    static func names(in folder: FilePath) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted()
    }
}
