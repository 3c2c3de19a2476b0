internal import CheckpointFormat
internal import Rendering
internal import SystemPackage

/// A report page on disk.
enum HTMLFile {
    /// Writes the page; the file appears under its name only when it is whole.
    static func write(_ page: ReportPage, to path: String) throws {
        let file = try OutputFile.create(at: FilePath(path))
        try file.write(Array(try page.html().utf8))
        try file.finish()
    }
}
