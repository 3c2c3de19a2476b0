import Foundation
import SystemPackage

/// A folder in memory that holds the files of one input after the other.
///
/// A name's folders are left out, so that nothing is written elsewhere; the readers' own handling of paths is met inside
/// the files.
final class ScratchFolder: Sendable {
    let path = FilePath("/dev/shm/crux-fuzz-\(ProcessInfo.processInfo.processIdentifier).d")

    /// Replaces what the folder holds; of two files with the same name the later one is kept.
    func replaceContent(_ files: [(name: String, content: [UInt8])]) {
        try? FileManager.default.removeItem(atPath: path.string)
        do {
            try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
            for (name, content) in files {
                guard let component = FilePath(name).lastComponent, component.kind == .regular,
                    component.string.utf8.count < 200
                else { continue }
                let descriptor = try FileDescriptor.open(
                    path.appending(component), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
                try descriptor.closeAfter { _ = try descriptor.writeAll(content) }
            }
        } catch {
            FileHandle.standardError.write(Data("cannot fill \(path): \(error)\n".utf8))
            exit(2)
        }
    }
}
