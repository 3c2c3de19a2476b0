internal import Codecs
public import CheckpointInterop
internal import CheckpointFormat
internal import OrderedCollections

/// One step back in a checkpoint's history: the weights that the one before it was made from.
public struct LineageLink: Codable, Hashable, Sendable {
    /// What the digest was recorded as: `parent`, `reference` or `pretrained`.
    public let relation: String
    /// The digest of the weights, as it was recorded.
    public let digest: String
    /// The file whose weights have the digest; nil where none of those looked at has.
    public let path: String?
    /// What that file says it is; nil where there is none.
    public let kind: String?
    /// Its step; nil where there is none.
    public let step: Int?

    /// Whether a checkpoint says what it was made from.
    public static func isRecorded(in source: any CheckpointSource) -> Bool {
        source.metadata[MetadataKey.parent] != nil || source.metadata[MetadataKey.reference] != nil
    }

    /// The chain from a checkpoint back to the pre-trained model, as far as it is recorded and the files are there.
    ///
    /// A link goes to the parent, else to the reference; where its file is among the relatives, the chain goes on with
    /// what that file records. The last link is the pre-trained model that is recorded, where the chain does not reach it.
    public static func chain(
        of source: any CheckpointSource, among relatives: [any CheckpointSource]
    ) -> [LineageLink] {
        let known = relatives.compactMap { relative in
            relative.storedWeightsDigest.map { (digest: $0.hex, source: relative) }
        }
        var links: [LineageLink] = []
        var seen: Set<String> = []
        var current: (any CheckpointSource)? = source
        var pretrained: String?
        func link(_ relation: String, _ digest: String) -> (any CheckpointSource)? {
            let file = known.first { $0.digest == digest }?.source
            let identity = file.map { CheckpointIdentity($0) }
            links.append(
                LineageLink(
                    relation: relation, digest: digest, path: identity?.path, kind: identity?.kind,
                    step: identity?.step))
            return file
        }
        while let metadata = current?.metadata {
            func recorded(_ key: String) -> String? { metadata[key]?.stringValue }
            pretrained = recorded(MetadataKey.pretrained) ?? pretrained
            let next =
                recorded(MetadataKey.parent).map { ("parent", $0) }
                ?? recorded(MetadataKey.reference).map { ("reference", $0) }
            // A chain that comes back to itself ends.
            guard let (relation, digest) = next, seen.insert(digest).inserted else { break }
            current = link(relation, digest)
        }
        if let pretrained, !seen.contains(pretrained) { _ = link("pretrained", pretrained) }
        return links
    }
}
