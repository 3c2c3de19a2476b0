internal import TensorCore
internal import OrderedCollections
internal import SystemPackage
public import CheckpointInterop
public import Codecs
internal import CheckpointFormat

/// Which checkpoint a report is about.
public struct CheckpointIdentity: Codable, Hashable, Sendable {
    /// The file or folder.
    public let path: String
    /// The format.
    public let format: CheckpointFileFormat
    /// The size on disk in bytes.
    public let fileByteCount: Int
    /// The digest of the weights; nil where the format stores none and it was not computed.
    public let weightsDigest: Digest128?
    /// `crux.kind`: `pretrained`, `policy` or `model`; nil where the metadata has none.
    public let kind: String?
    /// `crux.step`; nil where the metadata has none.
    public let step: Int?

    /// Describes a checkpoint; nothing is read but what opening it has read.
    public init(_ source: any CheckpointSource) {
        path = source.path.string
        format = source.format
        fileByteCount = source.fileByteCount
        weightsDigest = source.storedWeightsDigest
        kind = source.metadata[MetadataKey.kind]?.stringValue
        step = source.metadata[MetadataKey.step]?.intValue
    }
}

extension CheckpointSource {
    /// The digest of the weights where every weight has a stored digest, else nil.
    var storedWeightsDigest: Digest128? {
        var weights: [(name: String, digest: Digest128)] = []
        for tensor in tensors where tensor.role == .weight {
            guard let digest = storage(of: tensor).digest else { return nil }
            weights.append((tensor.name, digest))
        }
        return weights.isEmpty ? nil : ContentDigest.weights(of: weights)
    }
}
