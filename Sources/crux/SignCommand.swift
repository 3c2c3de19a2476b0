internal import ArgumentParser
internal import CheckpointInterop
internal import Crypto
internal import Integrity
internal import Rendering
internal import SystemPackage

/// `crux sign`.
struct SignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign a checkpoint's content with an Ed25519 key.",
        discussion: """
            Signs the SHA-256 of every tensor's decoded bytes and of every metadata value, and writes the signature \
            beside the checkpoint, as PATH.sig. The checkpoint may be of any format. Check it with \
            'crux verify PATH --signed-by KEY.pub'. Make a key with 'crux keygen', or with \
            'openssl genpkey -algorithm ed25519'.
            """)

    @Argument(help: "The checkpoint.", completion: .file())
    var path: String

    @Option(help: ArgumentHelp("The private key, in PEM (PKCS #8).", valueName: "file"))
    var key: String

    @OptionGroup var output: OutputOptions

    mutating func run() throws {
        let key = try KeyFile.privateKey(key)
        let source = try output.open(path)
        let progress = output.progress("sign \(path)")
        let content = try SignedContent(of: source, workerCount: output.workerCount) { done, total in
            progress.update(.init(done, of: total))
        }
        progress.finish()
        let signature = try ContentSignature(signing: content, with: key)
        let place = ContentSignature.path(beside: FilePath(path))
        try TextFile.write(try signature.json, to: place)
        try StandardOutput.write(
            output.json
                ? signature.json
                : "\(TerminalText.visible(place.string))  \(content.entries.count) tensors and metadata keys, "
                    + "key \(key.publicKey.fingerprint)\n")
    }
}
