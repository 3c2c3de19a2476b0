public import Codecs
internal import SystemPackage

/// What a delta says of the checkpoint that it is stored against.
public struct BaseReference: Hashable, Sendable, Codable {
    /// The digest of the base's weights.
    public let weightsDigest: Digest128
    /// Where the base lay, relative to the delta's folder, with `/` between the components; empty where unknown.
    public let pathHint: String

    init(weightsDigest: Digest128, pathHint: String) {
        self.weightsDigest = weightsDigest
        self.pathHint = pathHint
    }

    func encoded() -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.digest(weightsDigest)
        encoder.zeros(8)
        encoder.countedString(pathHint)
        encoder.pad(to: 8)
        return encoder.bytes
    }

    static func decode(_ decoder: inout ByteDecoder) throws(CheckpointError) -> BaseReference {
        let weightsDigest = try decoder.digest("weights digest")
        try decoder.constant(UInt64(0), "reserved")
        let start = decoder.position
        let hint = try decoder.countedString("path hint")
        guard isHint(hint) else {
            throw decoder.failure(
                field: "path hint", from: start,
                "not a relative path of at most \(Format.maximumHintByteCount) bytes whose components are names, or '..' at its beginning"
            )
        }
        try decoder.padding(to: 8)
        try decoder.finish()
        return BaseReference(weightsDigest: weightsDigest, pathHint: hint)
    }

    /// Whether a text may stand as a hint: no absolute path, nothing that two systems could read differently.
    static func isHint(_ text: String) -> Bool {
        if text.isEmpty { return true }
        guard text.utf8.count <= Format.maximumHintByteCount, !text.utf8.contains(0), !text.utf8.contains(0x5C) else {
            return false
        }
        let components = text.split(separator: "/", omittingEmptySubsequences: false)
        let names = components.drop { $0 == ".." }
        return !names.isEmpty && names.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    /// The hint that leads from a delta to a base; empty where there is none that the format allows.
    static func hint(from delta: FilePath, to base: FilePath) -> String {
        let folder = Platform.absolute(delta.removingLastComponent())
        let target = Platform.absolute(base.removingLastComponent())
        guard let folder, let target, let name = base.lastComponent else { return "" }
        let (from, to) = (Array(folder.components), Array(target.components))
        let common = zip(from, to).prefix { $0 == $1 }.count
        let steps =
            Array(repeating: "..", count: from.count - common) + to[common...].map(\.string) + [name.string]
        let hint = steps.joined(separator: "/")
        return isHint(hint) ? hint : ""
    }
}
