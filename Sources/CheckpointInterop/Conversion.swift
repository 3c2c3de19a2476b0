internal import CheckpointFormat
public import Codecs
internal import OrderedCollections
public import TensorCore

/// Rewrites a checkpoint in another format, tensors bit for bit.
///
/// What the target cannot hold is known before anything is written: see ``issues``. The target appears under
/// its name only when it is complete; what was there before stays until then.
public struct Conversion: Sendable {
    /// A format that can be written.
    public enum Target: String, CaseIterable, Codable, Hashable, Sendable {
        /// Crux's own format.
        case crux
        /// One safetensors file. Typed metadata and roles are kept in its metadata; see the entries
        /// `crux.metadata` and `crux.roles`.
        case safetensors
        /// One GGUF file. Metadata is kept one to one; roles are kept in the entry `crux.roles`.
        case gguf
        /// An archive of NumPy's arrays, without metadata and roles.
        case npz
        /// One array of NumPy, without its name, metadata and role.
        case npy
    }

    /// Something that is not kept.
    public struct Issue: Codable, Hashable, Sendable, CustomStringConvertible {
        /// How much it matters.
        public enum Severity: String, Codable, Hashable, Sendable {
            /// Part of the checkpoint is left out; needs ``Conversion/isLossy``.
            case loss
            /// A property of the source's file, not of the checkpoint in it.
            case note
        }

        /// The tensor; nil for metadata and the whole.
        public let tensor: String?
        /// The metadata key; nil for tensors and the whole.
        public let metadataKey: String?
        /// What cannot be held.
        public let problem: String
        /// How much it matters.
        public let severity: Severity

        /// Describes what is not kept.
        init(tensor: String? = nil, metadataKey: String? = nil, problem: String, severity: Severity = .loss) {
            self.tensor = tensor
            self.metadataKey = metadataKey
            self.problem = problem
            self.severity = severity
        }

        /// One line.
        public var description: String {
            let subject = tensor.map { "tensor '\($0)': " } ?? metadataKey.map { "metadata '\($0)': " } ?? ""
            return subject + problem
        }
    }

    /// A tensor that was written.
    public struct Tensor: Codable, Hashable, Sendable {
        /// Its name in the target.
        public let name: String
        /// Its type in the target.
        public let dtype: DType
        /// Its dimensions in the target, outermost first.
        public let shape: Shape
        /// The digest of what was read: of type, shape and bytes, so the same in every format.
        public let digest: Digest128
        /// The digest of what stands in the finished file; nil where it was not read back.
        public let writtenDigest: Digest128?
    }

    /// What a conversion did.
    public struct Outcome: Codable, Hashable, Sendable {
        /// The number of tensors.
        public let tensorCount: Int
        /// The size of their content in bytes.
        public let contentByteCount: Int
        /// The size of what was read, on disk, in bytes.
        public let sourceByteCount: Int
        /// The size of what was written, on disk, in bytes.
        public let targetByteCount: Int
        /// The digest of the weights.
        public let weightsDigest: Digest128
        /// The digest of the weights in the finished file, read back; nil where that was not asked for.
        public let writtenWeightsDigest: Digest128?
        /// The tensors in the order in which they were read.
        public let tensors: [Tensor]
        /// What was not kept.
        public let issues: [Issue]
    }

    /// The checkpoint to convert.
    public let source: any CheckpointSource
    /// The format to write.
    public let target: Target
    /// Whether what the target cannot hold is left out; otherwise nothing is written then.
    public let isLossy: Bool
    /// All that is not kept.
    public let issues: [Issue]
    /// The metadata that is written.
    let metadata: Metadata
    /// The tensors that are written, in the source's order.
    let tensors: [TensorDescription]

    /// Plans a conversion; nothing is written.
    public init(_ source: any CheckpointSource, to target: Target, isLossy: Bool = false) {
        self.source = source
        self.target = target
        self.isLossy = isLossy
        let omissions = source.omissions.map { omission in
            Issue(problem: "not kept: \(omission.description)", severity: omission.isContent ? .loss : .note)
        }
        let issues = Self.issues(of: target, metadata: source.metadata, tensors: source.tensors)
        let lostTensors = Set(issues.compactMap(\.tensor))
        let lostKeys = Set(issues.compactMap(\.metadataKey))
        self.issues = omissions + issues
        metadata = source.metadata.filter { !lostKeys.contains($0.key) }
        tensors = source.tensors.filter { !lostTensors.contains($0.name) }
    }

    private static func issues(of target: Target, metadata: Metadata, tensors: [TensorDescription]) -> [Issue] {
        switch target {
        case .crux: issuesOfCrux(metadata: metadata, tensors: tensors)
        case .safetensors: issuesOfSafetensors(tensors: tensors)
        case .gguf: GGUFHeader.issues(metadata: metadata, tensors: tensors) + reservedKeys(in: metadata)
        case .npz, .npy: issuesOfNumPy(metadata: metadata, tensors: tensors)
        }
    }

    private static func issuesOfNumPy(metadata: Metadata, tensors: [TensorDescription]) -> [Issue] {
        let keys = metadata.keys.map { Issue(metadataKey: $0, problem: "NumPy has no metadata") }
        let refused: [Issue] = tensors.compactMap { tensor in
            NumPyWriter.problem(of: tensor).map { Issue(tensor: tensor.name, problem: $0) }
        }
        let roles = OrderedDictionary(grouping: tensors.filter { $0.role != .weight }, by: \.role).map {
            role, tensors in
            Issue(problem: "NumPy has no roles: \(tensors.count) tensors are not marked as \(role.name) any more")
        }
        return keys + refused + roles
    }

    /// The tensor as it is in the target.
    func written(_ tensor: TensorDescription) -> TensorDescription {
        guard target == .npz || target == .npy else { return tensor }
        return (try? TensorDescription(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape)) ?? tensor
    }

    /// The key of the roles cannot hold anything else where it is an entry among others.
    private static func reservedKeys(in metadata: Metadata) -> [Issue] {
        metadata[TensorRoles.key].map { _ in [Issue(metadataKey: TensorRoles.key, problem: "the key is reserved")] }
            ?? []
    }

    private static func issuesOfSafetensors(tensors: [TensorDescription]) -> [Issue] {
        tensors.compactMap { tensor in
            if tensor.dtype.isBlockQuantised {
                Issue(tensor: tensor.name, problem: "safetensors has no \(tensor.dtype.rawValue)")
            } else if tensor.name == SafetensorsHeader.metadataKey {
                Issue(tensor: tensor.name, problem: "the name is reserved")
            } else {
                nil
            }
        }
    }

    private static func issuesOfCrux(metadata: Metadata, tensors: [TensorDescription]) -> [Issue] {
        let metadata = metadata[""].map { _ in Issue(metadataKey: "", problem: "crux has no empty keys") }
        let tensors: [Issue] = tensors.compactMap { tensor in
            if tensor.shape.rank > Format.maximumRank {
                Issue(
                    tensor: tensor.name,
                    problem: "crux has at most \(Format.maximumRank) dimensions, not \(tensor.shape.rank)")
            } else if tensor.name.utf8.count > Format.maximumNameByteCount || tensor.name.utf8.contains(0) {
                Issue(
                    tensor: tensor.name,
                    problem: "crux has names of at most \(Format.maximumNameByteCount) bytes, without U+0000")
            } else {
                nil
            }
        }
        return (metadata.map { [$0] } ?? []) + tensors
    }
}
