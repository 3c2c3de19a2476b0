import Foundation
import SystemPackage

/// A file in memory that holds one input after the other, since the readers take paths.
final class ScratchFile: Sendable {
    let path: FilePath
    /// A place beside it for what is written.
    var otherPath: FilePath { FilePath(path.string + "-other") }
    private let descriptor: FileDescriptor

    init() {
        path = FilePath("/dev/shm/crux-fuzz-\(ProcessInfo.processInfo.processIdentifier)")
        do {
            descriptor = try FileDescriptor.open(
                path, .readWrite, options: [.create, .truncate], permissions: .ownerReadWrite)
        } catch {
            FileHandle.standardError.write(Data("cannot create \(path): \(error)\n".utf8))
            exit(2)
        }
    }

    func replaceContent(_ bytes: [UInt8]) {
        do {
            try descriptor.resize(to: Int64(bytes.count))
            try bytes.withUnsafeBytes { _ = try descriptor.writeAll(toAbsoluteOffset: 0, $0) }
        } catch {
            FileHandle.standardError.write(Data("cannot write \(path): \(error)\n".utf8))
            exit(2)
        }
    }
}
