internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Foundation
internal import Gates
internal import Kernels
internal import Rendering
internal import SystemPackage

/// `crux check`.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Hold checkpoints against a policy: a file of rules that they must pass.",
        discussion: """
            A rule a line, in YAML: what the bytes, the tensors, the metadata, the lineage and the signature must be, and how \
            far weights, behaviour and accuracy may be from a reference; docs/check.md has them all. Files that the policy \
            names are looked for in its folder. Exit code 0: every rule passed; 1: one has not; 2: the policy, the reference \
            or a checkpoint could not be read.
            """)

    @Argument(help: "The checkpoints, of any format that can be opened.", completion: .file())
    var paths: [String]

    @Option(help: ArgumentHelp("The rules.", valueName: "file"), completion: .file(extensions: ["yml", "yaml"]))
    var policy: String

    @Option(
        help: ArgumentHelp(
            "The checkpoint that rules compare with: frozen, diff, kl and lineage.", valueName: "checkpoint"),
        completion: .file())
    var reference: String?

    @Option(
        help: ArgumentHelp("Write a JUnit report, one test case a rule.", valueName: "file"),
        completion: .file(extensions: ["xml"]))
    var junit: String?

    @Option(
        help: ArgumentHelp("Write a SARIF 2.1.0 log.", valueName: "file"), completion: .file(extensions: ["sarif"]))
    var sarif: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if paths.isEmpty { throw ValidationError("Missing expected argument '<paths> ...'") }
    }

    mutating func run() throws {
        let folder = FilePath(policy).removingLastComponent()
        let rules = try GatePolicy(yaml: TextFile.read(policy), fileName: policy) { name in
            try TextFile.read(folder.pushing(FilePath(name)).string)
        }
        if reference == nil, let rule = rules.firstNeedingReference {
            throw CommandFailure.couldNotRun(
                "\(policy):\(rule.line): \(rule.name.rawValue): expected --reference with it")
        }
        let reference = try reference.map { try output.open($0) }
        let bases = try output.baseSearch()
        let pool = output.pool
        let progress = output.progress("check")
        var reports: [GateReport] = []
        for path in paths {
            let run = GateRun(path: FilePath(path), reference: reference, bases: bases, pool: pool)
            let done = reports.count * rules.rules.count
            reports.append(
                try run.judge(rules) { progress.update(.init(done + $0, of: paths.count * rules.rules.count)) })
        }
        progress.finish()
        try report(CheckSummary(policy: policy, checkpoints: reports))
    }

    /// Writes the outcome in every form that was asked for.
    private func report(_ summary: CheckSummary) throws {
        try summary.writeReports(junit: junit, sarif: sarif)
        try StandardOutput.write(output.json ? ReportJSON.encode(summary) : summary.text(style: Terminal.output))
        if !summary.isPassed { throw ExitCode(1) }
    }
}
