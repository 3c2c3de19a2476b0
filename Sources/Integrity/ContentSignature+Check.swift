public import CheckpointFormat
public import CheckpointInterop
public import Crypto
internal import OrderedCollections
internal import SystemPackage

extension ContentSignature {
    /// What the signature of a checkpoint, beside it or else in its metadata, does not vouch for, a line each; empty where
    /// one of the keys has signed all of it.
    ///
    /// - Throws: What reading the checkpoint throws.
    public static func problems(
        of source: any CheckpointSource, trusting keys: [Curve25519.Signing.PublicKey], workerCount: Int
    ) throws(CheckpointError) -> [String] {
        let beside = path(beside: source.path)
        let signature: ContentSignature
        if (try? Stat(beside)) != nil {
            let file = try InputFile(path: beside)
            guard let text = String(validating: try file.read(0..<file.byteCount), as: UTF8.self) else {
                return ["\(beside): found bytes that are not UTF-8, expected a signature"]
            }
            signature = try ContentSignature(json: text, path: beside)
        } else if case .string(let text)? = source.metadata[SignedContent.signatureKey] {
            signature = try ContentSignature(json: text, path: source.path)
        } else {
            return ["there is no signature: \(beside) is missing, and none is in the metadata"]
        }
        return signature.problems(
            for: try SignedContent(of: source, workerCount: workerCount), trusting: keys)
    }
}
