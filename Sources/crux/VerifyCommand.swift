internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Crypto
internal import Integrity
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
    var paths: [String] = []

    @Option(
        help: ArgumentHelp(
            "Compare a folder, the manifest's own or the one named, with what 'crux manifest' has pinned.",
            valueName: "file"))
    var manifest: String?

    @Option(
        name: .customLong("signed-by"),
        help: ArgumentHelp("A trusted public key (PEM); PATH.sig must be signed by one of them.", valueName: "file"))
    var signedBy: [String] = []

    @Flag(help: "Check what is stored without decoding it.")
    var quick = false

    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard let manifest else {
            if paths.isEmpty { throw ValidationError("Missing expected argument '<paths> ...'") }
            return
        }
        if paths.count > 1 || !signedBy.isEmpty {
            throw ValidationError("--manifest \(manifest): found more, expected at most its folder beside it")
        }
    }

    mutating func run() throws {
        if let manifest { return try compare(with: manifest) }
        let keys = try signedBy.map(KeyFile.publicKey)
        var results: [FileVerification] = []
        for path in paths {
            let progress = output.progress("verify \(path)")
            results.append(
                FileVerification(
                    path: FilePath(path), mode: quick ? .quick : .full, workerCount: output.workers
                ) { done, total in progress.update(.init(done, of: total)) })
            progress.finish()
            if !keys.isEmpty { results[results.count - 1].reject(try signatureProblems(path, keys)) }
        }
        for result in results where result.status == .unreadable {
            for problem in result.problems { StandardError.write("error: \(result.path): \(problem)\n") }
        }
        try report(VerificationSummary(files: results))
    }

    private func report(_ summary: VerificationSummary) throws {
        try StandardOutput.write(output.json ? ReportJSON.encode(summary) : summary.text(style: Terminal.output))
        if let code = summary.exitCode { throw code }
    }

    /// What the signature beside a checkpoint does not vouch for, a line each.
    private func signatureProblems(_ path: String, _ keys: [Curve25519.Signing.PublicKey]) throws -> [String] {
        let place = ContentSignature.path(beside: FilePath(path))
        do {
            let signature = try ContentSignature(json: try TextFile.read(place.string), path: place)
            let source = try CheckpointOpener.open(FilePath(path))
            let content = try SignedContent(of: source, workerCount: output.workerCount)
            return signature.problems(for: content, trusting: keys)
        } catch let error as CheckpointError where error.kind == .missing && error.path == place {
            return ["there is no signature: \(place) is missing"]
        } catch let error as CheckpointError {
            return ["the signature could not be checked: \(error)"]
        }
    }

    private func compare(with manifest: String) throws {
        let path = FilePath(manifest)
        let pinned = try CheckpointManifest(json: try TextFile.read(manifest), path: path)
        let own = path.removingLastComponent()
        let folder = paths.first.map { FilePath($0) } ?? (own.isEmpty ? "." : own)
        let progress = output.progress("verify \(manifest)")
        var done = 0
        let comparisons = try pinned.compare(
            in: folder, found: try CheckpointFolder.checkpoints(below: folder)
        ) { _ in
            progress.update(.init(done, of: pinned.files.count))
            done += 1
        }
        progress.finish()
        try report(VerificationSummary(files: [], pinned: comparisons))
    }
}
