public import Crypto

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Why a key could not be used.
public struct KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found and what was expected.
    public let description: String
}

/// An Ed25519 key in the PEM that OpenSSL writes: PKCS #8 for private keys, SubjectPublicKeyInfo for public ones
/// (RFC 8410).
enum Ed25519PEM {
    /// The DER of everything before the key's 32 bytes; both structures have a fixed length.
    static let privatePrefix: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]
    static let publicPrefix: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
    static let keyByteCount = 32

    static func encode(_ key: some Sequence<UInt8>, prefix: [UInt8], label: String) -> String {
        let body = Data(prefix + Array(key)).base64EncodedString()
        return "-----BEGIN \(label)-----\n\(body)\n-----END \(label)-----\n"
    }

    static func decode(_ text: String, prefix: [UInt8], label: String) throws(KeyError) -> [UInt8] {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingSuffix(while: \.isWhitespace) }
        guard let start = lines.firstIndex(of: "-----BEGIN \(label)-----"),
            let end = lines[start...].firstIndex(of: "-----END \(label)-----")
        else {
            let found = lines.first { $0.hasPrefix("-----BEGIN ") }.map { "'\($0)'" } ?? "no PEM"
            throw KeyError(description: "found \(found), expected '-----BEGIN \(label)-----'")
        }
        guard let der = Data(base64Encoded: lines[(start + 1)..<end].joined()).map(Array.init) else {
            throw KeyError(description: "found a PEM body that is not base64")
        }
        guard der.count == prefix.count + keyByteCount, der.starts(with: prefix) else {
            throw KeyError(description: "found a key of another kind, expected Ed25519")
        }
        return Array(der.dropFirst(prefix.count))
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, predicate(last) { text.removeLast() }
        return text
    }
}

extension Curve25519.Signing.PrivateKey {
    /// Reads what `openssl genpkey -algorithm ed25519` and ``pem`` write.
    public init(pem text: String) throws(KeyError) {
        let bytes = try Ed25519PEM.decode(text, prefix: Ed25519PEM.privatePrefix, label: "PRIVATE KEY")
        do {
            try self.init(rawRepresentation: bytes)
        } catch {
            throw KeyError(description: "found bytes that are no Ed25519 private key")
        }
    }

    /// The key as unencrypted PKCS #8.
    public var pem: String {
        Ed25519PEM.encode(rawRepresentation, prefix: Ed25519PEM.privatePrefix, label: "PRIVATE KEY")
    }
}

extension Curve25519.Signing.PublicKey {
    /// Reads what `openssl pkey -pubout` and ``pem`` write.
    public init(pem text: String) throws(KeyError) {
        let bytes = try Ed25519PEM.decode(text, prefix: Ed25519PEM.publicPrefix, label: "PUBLIC KEY")
        do {
            try self.init(rawRepresentation: bytes)
        } catch {
            throw KeyError(description: "found bytes that are no Ed25519 public key")
        }
    }

    /// The key as SubjectPublicKeyInfo.
    public var pem: String {
        Ed25519PEM.encode(rawRepresentation, prefix: Ed25519PEM.publicPrefix, label: "PUBLIC KEY")
    }

    /// A short name for the key: the first 16 hexadecimal digits of the SHA-256 of its 32 bytes.
    public var fingerprint: String { String(SHA256.hash(data: rawRepresentation).hexadecimal.prefix(16)) }
}
