internal import Analysis
internal import ArgumentParser
internal import Rendering

/// The limits of a command that compares.
struct LimitOptions: ParsableArguments {
    @Option(
        name: .customLong("fail-on"), parsing: .singleValue,
        help: ArgumentHelp(
            "Exit with 1 where a figure meets a condition, as kl.p99>0.5 or changed.frozen:wte*>0; may be repeated. "
                + "An unknown figure is answered with the list of those known.",
            valueName: "limit"))
    var limits: [String] = []

    @Option(
        name: .customLong("policy-file"),
        help: ArgumentHelp("Limits in a file: YAML lists under diff and kl.", valueName: "file"),
        completion: .file(extensions: ["yml", "yaml"]))
    var policyFile: String?

    /// Whether limits decide about the exit code.
    var areSet: Bool { !limits.isEmpty || policyFile != nil }

    /// Checks the limits of the command line.
    func validate<Report: LimitedReport>(for report: Report.Type) throws {
        for text in limits {
            do {
                try Report.validate(Limit(text))
            } catch {
                throw ValidationError("--fail-on \(error)")
            }
        }
    }

    /// All limits: those of the command line, then those of the file.
    func read(_ list: KeyPath<LimitPolicy, [Limit]>) throws -> [Limit] {
        let own = try limits.map { try Limit($0) }
        guard let policyFile else { return own }
        return own + (try LimitPolicy(yaml: TextFile.read(policyFile), fileName: policyFile)[keyPath: list])
    }

    /// Says on standard error which limits are broken, a line each.
    ///
    /// - Throws: Exit code 1 where one is.
    static func enforce(_ checks: [LimitCheck]?) throws {
        let broken = (checks ?? []).filter(\.isBroken)
        for check in broken { StandardError.write("limit broken: \(TerminalText.visible(check.account))\n") }
        if !broken.isEmpty { throw ExitCode(1) }
    }
}

extension LimitCheck {
    /// Which value breaks the limit and by how much.
    var account: String {
        let number = FigureFormat.significant(4)
        guard let value else { return "\(limit): \(subject.map { "\($0): " } ?? "")\(gap ?? "no value")" }
        var parts = "\(limit): \(subject ?? "") has \(number.trimmedText(value))"
        if value != bound {
            parts +=
                ", \(number.trimmedText(abs(value - bound))) \(value > bound ? "above" : "below") "
                + number.trimmedText(bound)
            if bound != 0, value / bound > 1 { parts += " (\(number.trimmedText(value / bound)) times it)" }
        }
        if measuredCount > 1 { parts += "; \(brokenCount) of \(measuredCount) break it" }
        return parts
    }

    /// A table of limits for a terminal.
    static func table(_ checks: [LimitCheck]) -> TextTable {
        let number = FigureFormat.significant(4)
        return TextTable(
            columns: [.init("limit"), .init(""), .init("found", .right), .init("in", truncation: .both)],
            rows: checks.map { check in
                [
                    .init(check.limit), .init(check.isBroken ? "broken" : "kept", check.isBroken ? .bad : .good),
                    .init(check.value.map { number.text($0) } ?? FigureFormat.missing),
                    .init([check.subject, check.gap].compactMap(\.self).joined(separator: ": ")),
                ]
            })
    }
}
