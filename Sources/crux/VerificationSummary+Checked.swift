internal import CheckpointFormat
internal import Gates
internal import Integrity
internal import Rendering

extension VerificationSummary {
    /// The summary for reports that pipelines read.
    var checkedFiles: [CheckedFile] {
        files.map(\.checkedFile)
            + (pinned ?? []).map { file in
                let finding = CheckedFile.Finding(
                    level: .error, rule: "manifest",
                    message: file.detail.isEmpty ? file.status.rawValue : "\(file.status.rawValue): \(file.detail)")
                return CheckedFile(
                    path: file.path, isUnreadable: false, findings: file.status == .same ? [] : [finding])
            }
    }

    /// What each rule means that a finding names.
    static let rules: [(id: String, text: String)] =
        CheckpointError.Kind.allCases.map { ($0.rawValue, $0.meaning) } + [
            ("notFinite", "A tensor holds NaN or infinite values."),
            ("signature", "The signature does not vouch for the content."),
            ("manifest", "The file is not what the manifest pins."),
            ("replay", "Training the last steps again gives something else."),
        ]
}

extension FileVerification {
    /// The outcome for reports that pipelines read.
    var checkedFile: CheckedFile {
        CheckedFile(
            path: path, isUnreadable: status == .unreadable,
            findings: problems.map {
                CheckedFile.Finding(level: .error, rule: $0.rule, message: $0.description, byteRange: $0.byteRange)
            }
                + notes.map { CheckedFile.Finding(level: .warning, rule: $0.rule, message: $0.description) })
    }
}

extension CheckpointError.Kind {
    /// What the kind of a failure means, in a sentence.
    var meaning: String {
        switch self {
        case .notACheckpoint: "The file is of no known format."
        case .unsupportedVersion: "The file needs a newer reader or a feature that this one lacks."
        case .truncated: "The file ends before its content does."
        case .damaged: "Stored bytes and their checksum disagree."
        case .invalid: "The content breaks a rule of the format."
        case .missing: "A file or tensor is not there."
        case .wrongBase: "A delta was opened against another base than its own."
        case .io: "The operating system refused to read the file."
        }
    }
}
