internal import Analysis
internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Crypto
internal import Foundation
internal import Gates
internal import Integrity
internal import Kernels
internal import Rendering
internal import Synchronization
internal import SystemPackage
internal import Training

/// `crux verify`.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Prove that checkpoints are as they were written.",
        discussion: """
            Every byte of a crux file is checked against its hash tree. Other formats have no checksums: their structure is \
            checked, every byte read, and the weights' digest shown, which is the same in every format. NaN and infinite \
            values are listed, and refused with --finite. A folder stands for all checkpoints below it, unless it is one \
            itself (shards with their index). Where GITHUB_ACTIONS is set, problems also go to standard error as \
            annotations. Of a delta without its base only what is stored can be checked, which is noted. Exit code 0: all valid; 1: one is not; 2: one could not be read.

            With --replay, training itself is checked: the steps since the previous save are trained again and every \
            tensor is compared bit for bit. The same processor gives the same bits with any number of workers; another \
            kind of processor may round otherwise.
            """)

    @Argument(help: "The checkpoints, or folders of them; - for standard input.", completion: .file())
    var paths: [String] = []

    @Option(
        help: ArgumentHelp(
            "Compare a folder, the manifest's own or the one named, with what 'crux manifest' has pinned.",
            valueName: "file"))
    var manifest: String?

    @Option(
        name: .customLong("signed-by"),
        help: ArgumentHelp(
            "A trusted public key (PEM); PATH.sig, or the signature in the checkpoint, must be by one of them.",
            valueName: "file"))
    var signedBy: [String] = []

    @Flag(help: "Check what is stored without decoding it.")
    var quick = false

    @Flag(help: "Refuse NaN and infinite values.")
    var finite = false

    @Option(
        help: ArgumentHelp("Write a JUnit report, one test case a file.", valueName: "file"),
        completion: .file(extensions: ["xml"]))
    var junit: String?

    @Option(
        help: ArgumentHelp("Write a SARIF 2.1.0 log.", valueName: "file"), completion: .file(extensions: ["sarif"]))
    var sarif: String?

    @Flag(help: "Train the last steps again, from the previous save, and compare every tensor bit for bit.")
    var replay = false

    @Option(
        help: ArgumentHelp(
            "For --replay: the earlier checkpoint of the run to begin with (the previous save, looked for beside PATH).",
            valueName: "file"),
        completion: .file(extensions: ["crux"]))
    var from: String?

    @Flag(name: .customLong("from-start"), help: "For --replay: train the whole run again.")
    var fromStart = false

    @Option(
        help: ArgumentHelp("For --replay of a policy: its reference (looked for beside PATH).", valueName: "file"),
        completion: .file(extensions: ["crux"]))
    var reference: String?

    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if replay {
            if paths.count > 1 { throw ValidationError("--replay: found \(paths.count) paths, expected one") }
            if from != nil, fromStart { throw ValidationError("--from and --from-start: expected one of them") }
            if quick { throw ValidationError("--replay reads every byte: it cannot be --quick") }
        } else if from != nil || fromStart || reference != nil {
            throw ValidationError("--from, --from-start and --reference are for --replay")
        }
        if paths.count(where: { $0 == PipedCheckpoint.argument }) > 1 {
            throw ValidationError("<paths>: found - twice, expected it once")
        }
        guard let manifest else {
            if paths.isEmpty { throw ValidationError("Missing expected argument '<paths> ...'") }
            return
        }
        if paths.count > 1 || !signedBy.isEmpty || replay {
            throw ValidationError("--manifest \(manifest): found more, expected at most its folder beside it")
        }
    }

    mutating func run() throws {
        if let manifest { return try compare(with: manifest) }
        let keys = try signedBy.map(KeyFile.publicKey)
        let files = try paths.flatMap { try Self.checkpoints(at: PipedCheckpoint.input($0)) }
        let bases = try output.baseSearch()
        let results = files.count == 1 ? [verifyAlone(files[0], bases)] : verifySideBySide(files, bases)
        var judged: [FileVerification] = []
        for var result in results {
            if !keys.isEmpty { result.reject(signatureProblems(result.path, keys, bases)) }
            // What is damaged is not worth training.
            if replay, result.status == .valid { result.add(try trainAgain(result.path)) }
            judged.append(result)
        }
        for result in judged where result.status == .unreadable {
            for problem in result.problems { StandardError.write("error: \(result.path): \(problem)\n") }
        }
        try report(VerificationSummary(files: judged))
    }

    /// A folder's checkpoints, or the path itself; so is a folder that is one checkpoint of another tool.
    private static func checkpoints(at path: FilePath) throws(CheckpointError) -> [FilePath] {
        guard let status = try? Stat(path), status.type == .directory else { return [path] }
        if let source = try? CheckpointOpener.open(path), source.format != .crux { return [path] }
        let found = try CheckpointFolder.checkpoints(below: path)
        guard !found.isEmpty else { throw CheckpointError(.missing, path: path, problem: "holds no checkpoint") }
        return found
    }

    /// One file on all workers.
    private func verifyAlone(_ path: FilePath, _ bases: BaseSearch) -> FileVerification {
        let progress = output.progress("verify \(path)")
        let result = FileVerification(
            path: path,
            checks: .init(
                mode: quick ? .quick : .full, mustBeFinite: finite, bases: bases, workerCount: output.workerCount)
        ) { done, total in progress.update(.init(done, of: total)) }
        progress.finish()
        return result
    }

    private func trainAgain(_ path: String) throws -> Replay.Result {
        let progress = output.progress("replay \(path)")
        let start: Replay.Start = from.map { .checkpoint(FilePath($0)) } ?? (fromStart ? .runStart : .previousSave)
        let replay = Replay(
            of: FilePath(path), from: start, reference: reference.map { FilePath($0) }, workerCount: output.workers)
        let result = try replay.run { progress.update(.init($0, of: $1)) }
        progress.finish()
        return result
    }

    /// Several files at a time, in the order given: small files would leave workers idle one by one.
    private func verifySideBySide(_ paths: [FilePath], _ bases: BaseSearch) -> [FileVerification] {
        let progress = output.progress("verify \(paths.count) files")
        let together = max(1, min(output.workerCount, paths.count))
        let checks = FileVerification.Checks(
            mode: quick ? .quick : .full, mustBeFinite: finite, bases: bases,
            workerCount: max(1, output.workerCount / together))
        let results = Mutex<[Int: FileVerification]>([:])
        WorkerPool(workerCount: together).run(taskCount: paths.count) { task, _ in
            let result = FileVerification(path: paths[task], checks: checks) { _, _ in }
            results.withLock { results in
                results[task] = result
                progress.update(.init(results.count, of: paths.count))
            }
        }
        progress.finish()
        return results.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// Writes the summary in every form that was asked for.
    private func report(_ summary: VerificationSummary) throws {
        if let junit { try PipelineReports.writeJUnit(summary.checkedFiles, suite: "crux verify", to: junit) }
        if let sarif {
            try PipelineReports.writeSARIF(summary.checkedFiles, rules: VerificationSummary.rules, to: sarif)
        }
        PipelineReports.annotate(summary.checkedFiles, title: "crux verify")
        try StandardOutput.write(output.json ? ReportJSON.encode(summary) : summary.text(style: Terminal.output))
        if let code = summary.exitCode { throw code }
    }

    /// What the signature of a checkpoint does not vouch for.
    private func signatureProblems(
        _ path: String, _ keys: [Curve25519.Signing.PublicKey], _ bases: BaseSearch
    ) -> [FileVerification.Problem] {
        let problems: [String]
        do throws(CheckpointError) {
            let source = try CheckpointOpener.open(FilePath(path), bases: bases)
            problems = try ContentSignature.problems(of: source, trusting: keys, workerCount: output.workerCount)
        } catch {
            problems = ["the signature could not be checked: \(error)"]
        }
        return problems.map { FileVerification.Problem(rule: "signature", description: $0) }
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
