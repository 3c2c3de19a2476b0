import Foundation
public import SystemPackage

/// A fresh folder that is removed, with everything in it, when the value goes.
public final class TemporaryFolder: Sendable {
    /// The folder's absolute path.
    public let path: FilePath

    /// Makes the folder under the system's place for temporary files.
    public init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "crux-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = FilePath(url.path(percentEncoded: false))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path.string)
    }

    /// The path of an entry; nothing is created.
    public func file(_ name: String) -> FilePath { path.appending(name) }

    /// The names of the entries, hidden ones included, sorted.
    public func entries() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path.string).sorted()
    }
}

extension FilePath {
    /// The whole content of the file.
    public func readBytes() throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: string)))
    }

    /// Replaces the content of the file, or creates it.
    public func writeBytes(_ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: string))
    }
}
