internal import ArgumentParser
internal import Crypto
internal import Integrity
internal import SystemPackage

/// `crux keygen`.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make a pair of Ed25519 keys to sign checkpoints with.",
        discussion: """
            Writes the private key, readable by its owner alone and not encrypted, and the public key as PATH.pub. \
            Nothing that is there is overwritten.
            """)

    @Argument(help: "Where to write the private key.", completion: .file())
    var path: String

    mutating func run() throws {
        let key = Curve25519.Signing.PrivateKey()
        try KeyFile.write(key.pem, to: FilePath(path), permissions: .ownerReadWrite)
        try KeyFile.write(
            key.publicKey.pem, to: FilePath(path + ".pub"), permissions: [.ownerReadWrite, .groupRead, .otherRead])
        try StandardOutput.write("\(path)  \(path).pub  key \(key.publicKey.fingerprint)\n")
    }
}
