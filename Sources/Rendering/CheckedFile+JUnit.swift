extension CheckedFile {
    /// Files as a JUnit XML report: one test case a file, a failure for what is invalid, an error for what could not be
    /// read; warnings are the case's output.
    ///
    /// - Parameter suite: The suite's name, as `crux verify`.
    public static func junit(_ files: [CheckedFile], suite: String) -> String {
        let failures = files.count { !$0.isUnreadable && !$0.messages(.error).isEmpty }
        let errors = files.count(where: \.isUnreadable)
        var xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        xml += "<testsuites>\n  <testsuite name=\"\(Markup.escape(suite))\" tests=\"\(files.count)\" "
        xml += "failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"0\">\n"
        for file in files {
            xml += "    <testcase classname=\"\(Markup.escape(suite))\" name=\"\(Markup.escape(file.path))\">\n"
            let problems = file.messages(.error)
            if let first = problems.first {
                let element = file.isUnreadable ? "error" : "failure"
                xml +=
                    "      <\(element) type=\"\(Markup.escape(first.rule))\" message=\"\(Markup.escape(first.message))\">"
                xml += Markup.escape(problems.map(\.message).joined(separator: "\n")) + "</\(element)>\n"
            }
            let warnings = file.messages(.warning)
            if !warnings.isEmpty {
                xml +=
                    "      <system-out>\(Markup.escape(warnings.map(\.message).joined(separator: "\n")))</system-out>\n"
            }
            xml += "    </testcase>\n"
        }
        return xml + "  </testsuite>\n</testsuites>\n"
    }

    private func messages(_ level: Finding.Level) -> [Finding] { findings.filter { $0.level == level } }
}
