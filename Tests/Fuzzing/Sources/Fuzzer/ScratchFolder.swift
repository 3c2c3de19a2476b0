import Foundation
import SystemPackage

/// A folder in memory that holds the files of one input after the other.
///
/// An input is an archive: files one behind the other, each after a line `@@@ NAME`. A name's folders are left out, so
/// that nothing is written elsewhere; the readers' own handling of paths is met inside the files.
final class ScratchFolder: Sendable {
    let path = FilePath("/dev/shm/crux-fuzz-\(ProcessInfo.processInfo.processIdentifier).d")

    /// The start of a line that names a file.
    private static let mark = Array("@@@ ".utf8)

    func replaceContent(_ archive: [UInt8]) {
        try? FileManager.default.removeItem(atPath: path.string)
        do {
            try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
            for (name, content) in Self.files(archive) {
                let descriptor = try FileDescriptor.open(
                    path.appending(name), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
                try descriptor.closeAfter { _ = try descriptor.writeAll(content) }
            }
        } catch {
            FileHandle.standardError.write(Data("cannot fill \(path): \(error)\n".utf8))
            exit(2)
        }
    }

    /// Names and contents; at most sixteen, the later one of two with the same name.
    private static func files(_ archive: [UInt8]) -> [String: ArraySlice<UInt8>] {
        var files: [String: ArraySlice<UInt8>] = [:]
        var start = archive.startIndex
        while start < archive.endIndex, archive[start...].starts(with: mark), files.count < 16 {
            let nameStart = start + mark.count
            let nameEnd = archive[nameStart...].firstIndex(of: UInt8(ascii: "\n")) ?? archive.endIndex
            let contentStart = min(nameEnd + 1, archive.endIndex)
            var end = contentStart
            while end < archive.endIndex {
                if archive[end] == mark[0], archive[end...].starts(with: mark), archive[end - 1] == UInt8(ascii: "\n") {
                    break
                }
                end += 1
            }
            let name = String(
                decoding: archive[nameStart..<nameEnd].filter { (0x21...0x7E).contains($0) }, as: UTF8.self)
            if let component = FilePath(name).lastComponent, component.kind == .regular,
                component.string.utf8.count < 200
            {
                files[component.string] = archive[contentStart..<end]
            }
            start = end
        }
        return files
    }
}
