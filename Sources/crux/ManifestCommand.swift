internal import ArgumentParser
internal import CheckpointFormat
internal import CheckpointInterop
internal import Integrity
internal import Rendering
internal import SystemPackage

/// `crux manifest`.
struct ManifestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest",
        abstract: "Pin the digests of all checkpoints below a folder.",
        discussion: """
            Example: crux manifest models --out models/checkpoints.lock, and later, in CI, \
            crux verify --manifest models/checkpoints.lock. It pins each file's SHA-256 and its weights' digest, also \
            of formats that have no checksums.
            """)

    @Argument(help: "The folder; paths in the manifest start from it.", completion: .directory)
    var folder = "."

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Write the manifest there, as a whole or not at all, instead of standard output.", valueName: "file"),
        completion: .file(extensions: ["lock"]))
    var out: String?

    @OptionGroup var output: OutputOptions

    mutating func run() throws {
        let paths = try CheckpointFolder.checkpoints(below: FilePath(folder))
        guard !paths.isEmpty else { throw CommandFailure.couldNotRun("\(folder): holds no checkpoint to pin") }
        let progress = output.progress("manifest")
        var done = 0
        let manifest = try CheckpointManifest(of: paths, in: FilePath(folder)) { _ in
            progress.update(.init(done, of: paths.count))
            done += 1
        }
        progress.finish()
        if let out { return try OutputFile.write(manifest.json, to: FilePath(out)) }
        try StandardOutput.write(manifest.json)
    }
}
