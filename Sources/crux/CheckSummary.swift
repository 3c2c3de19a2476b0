internal import Analysis
internal import Foundation
internal import Gates
internal import Rendering

/// What holding several checkpoints against a policy has shown.
struct CheckSummary: Encodable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    let schemaVersion = 1
    /// The policy's file.
    let policy: String
    /// Whether every checkpoint passed every rule.
    let isPassed: Bool
    /// The checkpoints in the order of the command line.
    let checkpoints: [GateReport]

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, policy, isPassed, checkpoints
    }

    /// Sums up.
    init(policy: String, checkpoints: [GateReport]) {
        self.policy = policy
        self.checkpoints = checkpoints
        isPassed = checkpoints.allSatisfy(\.isPassed)
    }

    /// A line a rule for a terminal; what failed with what was expected.
    func text(style: TerminalStyle) -> String {
        checkpoints.map { report in
            let passed = report.rules.count(where: \.isPassed)
            let verdict = style.paint(report.isPassed ? "passed" : "failed", report.isPassed ? .good : .bad)
            let width = report.rules.map(\.rule.count).max() ?? 0
            let lines = report.rules.map { result in
                let mark = result.isPassed ? style.paint("pass", .good) : style.paint("FAIL", .bad)
                let name = result.rule.padding(toLength: width, withPad: " ", startingAt: 0)
                let text =
                    result.isPassed
                    ? "\(result.expected): \(result.found)" : "expected \(result.expected), found \(result.found)"
                return
                    "  \(mark)  \(name)  \(TerminalText.visible(text))  (\(TerminalText.visible(policy)):\(result.line))\n"
            }
            return "\(verdict)  \(TerminalText.visible(report.path))  \(passed) of "
                + "\(FigureFormat.counted(report.rules.count, "rule"))\n" + lines.joined()
        }.joined()
    }

    /// Writes the reports that pipelines read.
    func writeReports(junit: String?, sarif: String?) throws {
        if let junit {
            // A test case a rule: a pipeline shows which one failed.
            let cases = checkpoints.flatMap { report in
                report.rules.map { result in
                    CheckedFile(
                        path: "\(report.path): \(result.rule) (line \(result.line))", isUnreadable: false,
                        findings: Self.findings([result]))
                }
            }
            try PipelineReports.writeJUnit(cases, suite: "crux check", to: junit)
        }
        if let sarif { try PipelineReports.writeSARIF(files, rules: Self.rules, to: sarif) }
        PipelineReports.annotate(files, title: "crux check")
    }

    private var files: [CheckedFile] {
        checkpoints.map { CheckedFile(path: $0.path, isUnreadable: false, findings: Self.findings($0.rules)) }
    }

    private static func findings(_ results: [RuleResult]) -> [CheckedFile.Finding] {
        results.filter { !$0.isPassed }.map {
            CheckedFile.Finding(level: .error, rule: $0.rule, message: message(of: $0))
        }
    }

    private static func message(of result: RuleResult) -> String {
        "expected \(result.expected), found \(result.found)"
    }

    private static let rules = GateRule.Name.allCases.map { (id: $0.rawValue, text: $0.meaning) }
}
