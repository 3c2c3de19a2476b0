internal import CheckpointFormat
internal import Crypto
internal import Foundation
internal import Integrity
internal import SystemPackage

/// Keys on disk.
enum KeyFile {
    /// Reads a private key.
    static func privateKey(_ path: String) throws -> Curve25519.Signing.PrivateKey {
        let text = try TextFile.read(path)
        do throws(KeyError) {
            return try Curve25519.Signing.PrivateKey(pem: text)
        } catch {
            throw CommandFailure.couldNotRun("\(path): \(error)")
        }
    }

    /// Reads a public key.
    static func publicKey(_ path: String) throws -> Curve25519.Signing.PublicKey {
        let text = try TextFile.read(path)
        do throws(KeyError) {
            return try Curve25519.Signing.PublicKey(pem: text)
        } catch {
            throw CommandFailure.couldNotRun("\(path): \(error)")
        }
    }

    /// Writes a key to a file that is not there yet; a key must never be lost to another.
    static func write(_ text: String, to path: FilePath, permissions: FilePermissions) throws {
        do {
            let file = try UnfinishedPaths.creating(path) {
                try FileDescriptor.open(
                    path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: permissions)
            }
            defer { UnfinishedPaths.forget(path) }
            do {
                _ = try file.closeAfter { try file.writeAll(text.utf8) }
            } catch {
                try? FileManager.default.removeItem(atPath: path.string)
                throw error
            }
        } catch {
            throw CommandFailure.couldNotRun("\(path): cannot write: \(error)")
        }
    }
}
