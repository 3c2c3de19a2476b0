internal import CheckpointFormat
internal import Rendering
internal import SystemPackage

/// A report page on disk.
enum HTMLFile {
    /// Writes the page; the file appears under its name only when it is whole.
    static func write(_ page: ReportPage, to path: String) throws {
        try OutputFile.write(page.html(), to: FilePath(path))
    }
}
