public import TensorCore

/// What changed in the weights from base to policy.
///
/// A weight diff alone does not tell how the behaviour changed (arXiv 2509.04259): read it with ``KLReport``.
public struct WeightDiff: Codable, Hashable, Sendable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    public static let currentSchemaVersion = 1

    /// ``currentSchemaVersion`` of the writer.
    public let schemaVersion: Int
    /// The checkpoint that the change starts from.
    public let base: CheckpointIdentity
    /// The checkpoint that the change leads to.
    public let policy: CheckpointIdentity
    /// How the names of the two were mapped onto each other; nil where they were taken as they are.
    public let mapping: NameMapping?
    /// When an element counts as changed.
    public let tolerances: ChangeTolerances
    /// Whether tensors, metadata and configuration are the same on both sides.
    public let isIdentical: Bool
    /// Tensors that cannot be compared element by element.
    public let structure: StructureDiff
    /// Metadata that differs, without the configuration.
    public let metadata: [MetadataChange]
    /// Lines of the resolved configuration that differ.
    public let configuration: [ConfigurationChange]
    /// What is known of the training: optimiser, random streams, data; empty where weights alone were compared.
    public let trainingState: [TrainingStateChange]
    /// The tensors that both have in one shape: the largest relative change first, then by name.
    public let tensors: [TensorDifference]
    /// The weights together; nil where no weight could be compared as numbers.
    public let weights: DifferenceFigures?
    /// All tensors by role.
    public let byRole: [RoleDifference]
    /// The weights by kind.
    public let byKind: [KindDifference]
    /// The weights by block and kind, blocks in order, what is outside of them last.
    public let byLayer: [LayerDifference]
    /// The weights by block, blocks in order, what is outside of them last.
    public let byBlock: [BlockDifference]
    /// The same figures of another run from the same base; nil where none was compared.
    public var null: NullDiff?
    /// Singular values; nil where they were not asked for.
    public var spectra: SpectralDiff?
    /// How the diff stands to the limits that were set; nil where none was.
    public var limits: [LimitCheck]?
}

/// How far another run (another seed, say) moved from the same base: what a change has to exceed to mean something.
public struct NullDiff: Codable, Hashable, Sendable {
    /// The other run's checkpoint.
    public let checkpoint: CheckpointIdentity
    /// The weights together; nil where no weight could be compared as numbers.
    public let weights: DifferenceFigures?
    /// The weights by kind.
    public let byKind: [KindDifference]
    /// The weights by block and kind.
    public let byLayer: [LayerDifference]
    /// The tensors.
    public let tensors: [TensorDifference]

    /// The figures of a diff from the same base.
    public init(_ diff: WeightDiff) {
        checkpoint = diff.policy
        weights = diff.weights
        byKind = diff.byKind
        byLayer = diff.byLayer
        tensors = diff.tensors
    }
}

/// Tensors that cannot be compared element by element.
public struct StructureDiff: Codable, Hashable, Sendable {
    /// In the base alone.
    public let missing: [TensorSummary]
    /// In the policy alone.
    public let added: [TensorSummary]
    /// In both, with different shapes.
    public let reshaped: [TensorChange]
    /// In both, with the same shape and different types: they are compared by value.
    public let retyped: [TensorChange]
    /// In both, with different roles.
    public let reassigned: [TensorChange]

    /// Whether all tensors have the same names, shapes, types and roles.
    public var isEmpty: Bool {
        missing.isEmpty && added.isEmpty && reshaped.isEmpty && retyped.isEmpty && reassigned.isEmpty
    }
}

/// Name, type, shape and role of a tensor.
public struct TensorSummary: Codable, Hashable, Sendable {
    /// The tensor's name.
    public let name: String
    /// The type of the elements.
    public let dtype: DType
    /// The dimensions, outermost first.
    public let shape: [Int]
    /// What the tensor is for.
    public let role: String

    init(_ tensor: TensorDescription) {
        name = tensor.name
        dtype = tensor.dtype
        shape = tensor.shape.dimensions
        role = tensor.role.name
    }
}

/// A tensor that both sides describe differently.
public struct TensorChange: Codable, Hashable, Sendable {
    /// As the base has it.
    public let base: TensorSummary
    /// As the policy has it.
    public let policy: TensorSummary
}

/// An entry of the metadata that differs.
public struct MetadataChange: Codable, Hashable, Sendable {
    /// The key.
    public let key: String
    /// The base's value as text; nil where it has none.
    public let base: String?
    /// The policy's value as text; nil where it has none.
    public let policy: String?
}

/// A line of the configuration that one side alone has.
public struct ConfigurationChange: Codable, Hashable, Sendable {
    /// Which side has the line.
    public enum Side: String, Codable, Hashable, Sendable {
        case base, policy
    }

    /// Which side has the line.
    public let side: Side
    /// The line's number there, from 1.
    public let line: Int
    /// The line.
    public let text: String
}

/// How one tensor changed.
public struct TensorDifference: Codable, Hashable, Sendable {
    /// The tensor's name.
    public let name: String
    /// What the tensor is for, in the policy.
    public let role: String
    /// Its block and kind.
    public let place: ParameterPlace
    /// The dimensions, outermost first.
    public let shape: [Int]
    /// The base's type.
    public let baseDType: DType
    /// The policy's type.
    public let policyDType: DType
    /// Whether type and every bit are the same.
    public let isIdentical: Bool
    /// Elements whose bits differ; see ``DifferenceFigures/changedBitwise``.
    public let changedBitwise: ElementShare
    /// The figures; nil for types that are compared bit by bit only, and for identical tensors whose values
    /// were not read.
    public let figures: DifferenceFigures?
}

/// How the tensors of one role changed.
public struct RoleDifference: Codable, Hashable, Sendable {
    /// The role's name.
    public let role: String
    /// The number of tensors.
    public let tensorCount: Int
    /// How many of them have a bit that changed.
    public let changedTensorCount: Int
    /// The figures over all of them that have any; nil where none has.
    public let figures: DifferenceFigures?
}

/// How the weights of one kind changed.
public struct KindDifference: Codable, Hashable, Sendable {
    /// The kind.
    public let kind: ParameterKind
    /// The number of tensors.
    public let tensorCount: Int
    /// How many of them have a bit that changed.
    public let changedTensorCount: Int
    /// The figures over all of them that have any; nil where none has.
    public let figures: DifferenceFigures?
}

/// How the weights of one block changed.
public struct BlockDifference: Codable, Hashable, Sendable {
    /// The transformer block, from 0; nil for what is outside of the blocks.
    public let layer: Int?
    /// The number of tensors.
    public let tensorCount: Int
    /// How many of them have a bit that changed.
    public let changedTensorCount: Int
    /// The figures over all of them that have any; nil where none has.
    public let figures: DifferenceFigures?
}

/// How the weights of one kind in one block changed.
public struct LayerDifference: Codable, Hashable, Sendable {
    /// Block and kind.
    public let place: ParameterPlace
    /// The number of tensors.
    public let tensorCount: Int
    /// How many of them have a bit that changed.
    public let changedTensorCount: Int
    /// The figures over all of them that have any; nil where none has.
    public let figures: DifferenceFigures?
}
