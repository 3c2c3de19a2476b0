internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import Rendering
internal import SystemPackage

/// `crux verify`.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Prove that checkpoints are as they were written.",
        discussion: """
            Every byte of a crux file is checked against its hash tree; of other formats, which have no checksums, the \
            structure. Exit code 0: all valid; 1: one is not; 2: one could not be read.
            """)

    @Argument(help: "The checkpoints.", completion: .file())
    var paths: [String]

    @Flag(help: "Check what is stored without decoding it.")
    var quick = false

    @OptionGroup var output: OutputOptions

    mutating func run() throws {
        var results: [FileVerification] = []
        for path in paths {
            let progress = output.progress("verify \(path)")
            results.append(
                FileVerification(
                    path: FilePath(path), mode: quick ? .quick : .full, workerCount: output.workers
                ) { done, total in progress.update(.init(done, of: total)) })
            progress.finish()
        }
        for result in results where result.status == .unreadable {
            for problem in result.problems { StandardError.write("error: \(result.path): \(problem)\n") }
        }
        let summary = VerificationSummary(files: results)
        try StandardOutput.write(output.json ? ReportJSON.encode(summary) : summary.text(style: Terminal.output))
        if let code = summary.exitCode { throw code }
    }
}
