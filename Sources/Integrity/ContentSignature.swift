public import CheckpointFormat

public import Crypto
public import SystemPackage

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// An Ed25519 signature over the content of a checkpoint (``SignedContent``), as a JSON document.
public struct ContentSignature: Codable, Hashable, Sendable {
    /// The version of this structure.
    public let schemaVersion: Int
    /// Always `Ed25519`.
    public let algorithm: String
    /// The signer's key, in PEM. It names the signer; trust comes from the key that a verifier brings.
    public let publicKey: String
    /// The text that was signed, line by line, so that a later difference can be named.
    public let content: [String]
    /// The signature of the text, in base64.
    public let signature: String

    /// Signs.
    ///
    /// - Throws: ``KeyError`` where the key cannot sign.
    public init(signing content: SignedContent, with key: Curve25519.Signing.PrivateKey) throws(KeyError) {
        schemaVersion = 1
        algorithm = "Ed25519"
        publicKey = key.publicKey.pem
        self.content = content.text.split(separator: "\n").map(String.init)
        do {
            signature = Data(try key.signature(for: Array(content.text.utf8))).base64EncodedString()
        } catch {
            throw KeyError(description: "the key cannot sign: \(error)")
        }
    }

    /// What is wrong with a signature for the content that was found, a line each; empty where it vouches for it.
    ///
    /// - Parameter keys: The keys that are trusted; one of them must have signed.
    public func problems(for found: SignedContent, trusting keys: [Curve25519.Signing.PublicKey]) -> [String] {
        guard schemaVersion == 1, algorithm == "Ed25519" else {
            return ["found a signature of version \(schemaVersion), \(algorithm); expected version 1, Ed25519"]
        }
        let text = content.joined(separator: "\n") + "\n"
        guard let bytes = Data(base64Encoded: signature), let signed = SignedContent(text: text) else {
            return ["the signature cannot be read"]
        }
        let message = Array(text.utf8)
        guard keys.contains(where: { $0.isValidSignature(bytes, for: message) }) else {
            let signer = (try? Curve25519.Signing.PublicKey(pem: publicKey)).map(\.fingerprint) ?? "an unreadable key"
            let trusted = keys.map(\.fingerprint).joined(separator: ", ")
            return [
                signer != "" && keys.contains { $0.fingerprint == signer }
                    ? "the signature does not fit its text: it was changed after signing"
                    : "signed by key \(signer), which is not among the trusted: \(trusted)"
            ]
        }
        return found.differences(from: signed)
    }

    /// The document's text.
    public var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        }
    }

    /// Reads a document.
    ///
    /// - Throws: `CheckpointError` where it is none.
    public init(json text: String, path: FilePath) throws(CheckpointError) {
        do {
            self = try JSONDecoder().decode(ContentSignature.self, from: Data(text.utf8))
        } catch {
            throw CheckpointError(.invalid, path: path, problem: "is not a signature that crux sign has written")
        }
    }

    /// Where a signature beside a checkpoint lies: the checkpoint's path with `.sig` behind it.
    public static func path(beside checkpoint: FilePath) -> FilePath {
        FilePath(checkpoint.string + ".sig")
    }
}
