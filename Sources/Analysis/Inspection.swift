public import Codecs
public import TensorCore

/// What a checkpoint holds.
public struct Inspection: Codable, Hashable, Sendable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    public static let currentSchemaVersion = 1

    /// ``currentSchemaVersion`` of the writer.
    public let schemaVersion: Int
    /// The file and what its metadata says it is.
    public let checkpoint: CheckpointIdentity
    /// The version of the format; nil for formats that have none.
    public let formatVersion: String?
    /// The digest of the weights: the same for the same weights in any format.
    public let weightsDigest: Digest128?
    /// The size of all tensors' content in bytes.
    public let contentByteCount: Int
    /// The size of all tensors as they are stored, in bytes.
    public let storedByteCount: Int
    /// The elements of all weights.
    public let parameterCount: Int
    /// Tensors by role.
    public let roles: [TensorGroup]
    /// Tensors by role and type: `weight F32`.
    public let rolesAndDTypes: [TensorGroup]
    /// Tensors by type.
    public let dtypes: [TensorGroup]
    /// Tensors by the codecs of their chunks.
    public let codecs: [TensorGroup]
    /// Every tensor, in the file's order.
    public let tensors: [TensorInspection]
    /// The metadata in the file's order, without the vocabulary.
    public let metadata: [MetadataEntry]
    /// The tokenizer; nil where the metadata has none.
    public let tokenizer: TokenizerInspection?
    /// What a delta is stored against; nil for a checkpoint that is whole.
    public let base: InspectedBase?
    /// Where the checkpoint comes from.
    public let lineage: Lineage
    /// The chain back to the pre-trained model, each link looked for among the relatives that were given.
    public let lineageChain: [LineageLink]
}

/// Tensors that have something in common.
public struct TensorGroup: Codable, Hashable, Sendable {
    /// What they have in common: a role, a type, or codecs.
    public let name: String
    /// The number of tensors.
    public let tensorCount: Int
    /// Their elements.
    public let elementCount: Int
    /// The size of their content in bytes.
    public let contentByteCount: Int
    /// Their size as they are stored, in bytes.
    public let storedByteCount: Int
}

/// One tensor.
public struct TensorInspection: Codable, Hashable, Sendable {
    /// The tensor's name.
    public let name: String
    /// The type of the elements.
    public let dtype: DType
    /// The dimensions, outermost first.
    public let shape: [Int]
    /// What the tensor is for.
    public let role: String
    /// The number of elements.
    public let elementCount: Int
    /// The size of the content in bytes.
    public let contentByteCount: Int
    /// The size as it is stored, in bytes.
    public let storedByteCount: Int
    /// The number of chunks.
    public let chunkCount: Int
    /// The codecs of the chunks, each once.
    public let codecs: [String]
    /// The digest of the content; nil where the format stores none and it was not computed.
    public let digest: Digest128?
    /// Figures about the values; nil where they were not asked for, or the type has no numbers.
    public let statistics: TensorStatistics?
}

/// One entry of the metadata.
public struct MetadataEntry: Codable, Hashable, Sendable {
    /// The key.
    public let key: String
    /// The type's name, for example `uint32` or `array of string`.
    public let type: String
    /// The value as text.
    public let value: String
}

/// The tokenizer stored in a checkpoint.
public struct TokenizerInspection: Codable, Hashable, Sendable {
    /// `tokenizer.model`, for example `character`.
    public let model: String
    /// The number of tokens.
    public let vocabularySize: Int
    /// The tokens in order.
    public let vocabulary: [String]
}

/// The checkpoint that a delta is stored against.
public struct InspectedBase: Codable, Hashable, Sendable {
    /// The digest of its weights.
    public let weightsDigest: Digest128
    /// Where it lay when the delta was written, relative to the delta's folder; empty where that is unknown.
    public let pathHint: String
    /// The file that was found to be it, and where that is a delta too, those behind it; empty where none was found.
    public let chain: [String]
}

/// The digests that tie a checkpoint to those it comes from.
public struct Lineage: Codable, Hashable, Sendable {
    /// The weights that training started from, or nil.
    public let parent: String?
    /// The weights that the KL penalty refers to, or nil.
    public let reference: String?
    /// The pre-trained weights at the chain's end, or nil.
    public let pretrained: String?
}
