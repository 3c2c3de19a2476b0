import CheckpointFormat
import CheckpointInterop
import Crypto
import Integrity
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct SignatureTests {
    private let folder: TemporaryFolder
    private let key = Curve25519.Signing.PrivateKey()

    init() throws { folder = try TemporaryFolder() }

    /// A checkpoint of two tensors; each argument exchanges one thing.
    private func content(
        firstByte: UInt8 = 1, shape: Shape = [2, 2], parent: String = "aa", extra: Bool = false
    ) throws -> SignedContent {
        let path = folder.file("model.crux")
        let writer = try CheckpointWriter.create(at: path)
        writer.setMetadata("lineage.parent", .string(parent))
        let tensor = try TensorDescription(name: "w \"1\" 2", dtype: .f32, shape: shape)
        try writer.append(tensor, [firstByte] + Array(repeating: 0, count: 15))
        if extra { try writer.append(try TensorDescription(name: "x", dtype: .u8, shape: [1]), [7]) }
        try writer.finish()
        return try SignedContent(of: try CheckpointOpener.open(path), workerCount: 2)
    }

    @Test("A signature vouches for the content that was signed")
    func valid() throws {
        let content = try content()
        let signature = try ContentSignature(signing: content, with: key)
        let read = try ContentSignature(json: try signature.json, path: "model.crux.sig")
        #expect(read == signature)
        #expect(read.problems(for: content, trusting: [key.publicKey]) == [])
        #expect(SignedContent(text: content.text) == content)
    }

    @Test("A changed tensor, shape, lineage, and an added or removed tensor are named")
    func changes() throws {
        let signature = try ContentSignature(signing: try content(), with: key)
        func problems(_ content: SignedContent) -> [String] {
            signature.problems(for: content, trusting: [key.publicKey])
        }
        for changed in [try content(firstByte: 2), try content(shape: [4])] {
            let found = problems(changed)
            #expect(found.count == 1)
            #expect(found.first?.hasPrefix(#"tensor "w \"1\" 2" was changed"#) == true)
        }
        #expect(problems(try content(parent: "bb")).first?.hasPrefix(#"metadata "lineage.parent" was changed"#) == true)
        #expect(problems(try content(extra: true)) == [#"tensor "x" was added"#])
        let larger = try ContentSignature(signing: try content(extra: true), with: key)
        #expect(larger.problems(for: try content(), trusting: [key.publicKey]) == [#"tensor "x" was removed"#])
    }

    @Test("Another key, and a signed text that was edited, are refused")
    func forgery() throws {
        let content = try content()
        let signature = try ContentSignature(signing: content, with: key)
        let other = Curve25519.Signing.PrivateKey().publicKey
        #expect(
            signature.problems(for: content, trusting: [other]) == [
                "signed by key \(key.publicKey.fingerprint), which is not among the trusted: \(other.fingerprint)"
            ])
        let edited = try signature.json.replacing("[2,2]", with: "[4]")
        let forged = try ContentSignature(json: edited, path: "model.crux.sig")
        #expect(
            forged.problems(for: try self.content(shape: [4]), trusting: [key.publicKey]) == [
                "the signature does not fit its text: it was changed after signing"
            ])
    }

    @Test("Keys that OpenSSL wrote are read, and written the same way")
    func openssl() throws {
        let privateText =
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMFiMqlfaCniSFon2zCvOf1Azhh/DJVTC3TBZsXEiSYg\n-----END PRIVATE KEY-----\n"
        let publicText =
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAnzEVlOo6otpK7bUMf9j2DVafSdFFyW3hb7rADIZwNQQ=\n-----END PUBLIC KEY-----\n"
        let key = try Curve25519.Signing.PrivateKey(pem: privateText)
        #expect(key.pem == privateText)
        #expect(key.publicKey.pem == publicText)
        #expect(try Curve25519.Signing.PublicKey(pem: publicText).rawRepresentation == key.publicKey.rawRepresentation)
        #expect(throws: KeyError.self) { try Curve25519.Signing.PrivateKey(pem: publicText) }
        #expect(throws: KeyError.self) { try Curve25519.Signing.PublicKey(pem: "no key") }
    }
}
