internal import Analysis
internal import CheckpointFormat
internal import Foundation
internal import Rendering
internal import SystemPackage

/// What has been checked, in the forms that pipelines read.
enum PipelineReports {
    /// Writes a JUnit report.
    static func writeJUnit(_ files: [CheckedFile], suite: String, to path: String) throws {
        try OutputFile.write(CheckedFile.junit(files, suite: suite), to: FilePath(path))
    }

    /// Writes a SARIF log.
    static func writeSARIF(_ files: [CheckedFile], rules: [(id: String, text: String)], to path: String) throws {
        let log = SARIFLog(files, tool: "crux", toolVersion: Crux.version, rules: rules)
        try OutputFile.write(try ReportJSON.encode(log), to: FilePath(path))
    }

    /// Annotates a run on GitHub; does nothing elsewhere.
    static func annotate(_ files: [CheckedFile], title: String) {
        guard ProcessInfo.processInfo.environment["GITHUB_ACTIONS"] == "true" else { return }
        StandardError.write(CheckedFile.gitHubAnnotations(files, title: title))
    }
}
