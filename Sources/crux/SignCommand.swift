internal import ArgumentParser
internal import CheckpointFormat
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
            beside the checkpoint, as PATH.sig, or with --embed into its metadata, which the signature leaves out. The \
            checkpoint may be of any format; only crux files can embed. Check it with \
            'crux verify PATH --signed-by KEY.pub'. Make a key with 'crux keygen', or with \
            'openssl genpkey -algorithm ed25519'.
            """)

    @Argument(help: "The checkpoint.", completion: .file())
    var path: String

    @Option(help: ArgumentHelp("The private key, in PEM (PKCS #8).", valueName: "file"))
    var key: String

    @Flag(help: "Store the signature in the checkpoint instead of beside it; tensors stay byte for byte.")
    var embed = false

    @OptionGroup var output: OutputOptions

    mutating func run() throws {
        let key = try KeyFile.privateKey(key)
        // A file that cannot embed is refused before it is read whole.
        var edit = embed ? try CheckpointEdit(path: FilePath(path)) : nil
        let source = try output.open(path)
        let progress = output.progress("sign \(path)")
        let content = try SignedContent(of: source, workerCount: output.workerCount) { done, total in
            progress.update(.init(done, of: total))
        }
        progress.finish()
        let signature = try ContentSignature(signing: content, with: key)
        let place = embed ? FilePath(path) : ContentSignature.path(beside: FilePath(path))
        if edit != nil {
            edit?.set(SignedContent.signatureKey, to: .string(try signature.json))
            try edit?.save()
        } else {
            try OutputFile.write(try signature.json, to: place)
        }
        try StandardOutput.write(
            output.json
                ? signature.json
                : "\(TerminalText.visible(place.string))  \(content.entries.count) tensors and metadata keys, "
                    + "key \(key.publicKey.fingerprint)\n")
    }
}
