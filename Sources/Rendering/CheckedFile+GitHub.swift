extension CheckedFile {
    /// What was found as workflow commands, which GitHub shows beside a run: a line each.
    ///
    /// Source: GitHub's "Workflow commands for GitHub Actions", setting an error or a warning message.
    public static func gitHubAnnotations(_ files: [CheckedFile], title: String) -> String {
        files.map { file in
            file.findings.map { finding in
                "::\(finding.level.rawValue) file=\(property(file.path)),title=\(property("\(title): \(finding.rule)"))"
                    + "::\(data(finding.message))\n"
            }.joined()
        }.joined()
    }

    private static func data(_ text: String) -> String {
        text.replacing("%", with: "%25").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
    }

    private static func property(_ text: String) -> String {
        data(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
    }
}
