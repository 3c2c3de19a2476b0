internal import CheckpointFormat
public import Codecs
internal import OrderedCollections
internal import TensorCore

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
    }

    /// Something that the target cannot hold.
    public struct Issue: Codable, Hashable, Sendable, CustomStringConvertible {
        /// The tensor; nil for metadata and the whole.
        public let tensor: String?
        /// The metadata key; nil for tensors and the whole.
        public let metadataKey: String?
        /// What cannot be held.
        public let problem: String
        /// Whether nothing can be written at all; otherwise only this is lost.
        public let isFatal: Bool

        /// One line.
        public var description: String {
            let subject = tensor.map { "tensor '\($0)': " } ?? metadataKey.map { "metadata '\($0)': " } ?? ""
            return subject + problem
        }
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
        /// What the target could not hold.
        public let issues: [Issue]
    }

    /// The checkpoint to convert.
    public let source: any CheckpointSource
    /// The format to write.
    public let target: Target
    /// All that the target cannot hold.
    public let issues: [Issue]

    /// Plans a conversion; nothing is written.
    public init(_ source: any CheckpointSource, to target: Target) {
        self.source = source
        self.target = target
        issues =
            switch target {
            case .crux: Self.issuesOfCrux(source)
            case .safetensors: Self.issuesOfSafetensors(source)
            }
    }

    private static func issuesOfSafetensors(_ source: any CheckpointSource) -> [Issue] {
        source.tensors.compactMap { tensor in
            if tensor.dtype.isBlockQuantised {
                Issue(
                    tensor: tensor.name, metadataKey: nil,
                    problem: "safetensors has no \(tensor.dtype.rawValue)", isFatal: true)
            } else if tensor.name == SafetensorsHeader.metadataKey {
                Issue(tensor: tensor.name, metadataKey: nil, problem: "the name is reserved", isFatal: true)
            } else {
                nil
            }
        }
    }

    private static func issuesOfCrux(_ source: any CheckpointSource) -> [Issue] {
        let metadata = source.metadata[""].map { _ in
            Issue(tensor: nil, metadataKey: "", problem: "crux has no empty keys", isFatal: true)
        }
        let tensors: [Issue] = source.tensors.compactMap { tensor in
            if tensor.shape.rank > Format.maximumRank {
                Issue(
                    tensor: tensor.name, metadataKey: nil,
                    problem: "crux has at most \(Format.maximumRank) dimensions, not \(tensor.shape.rank)",
                    isFatal: true)
            } else if tensor.name.utf8.count > Format.maximumNameByteCount || tensor.name.utf8.contains(0) {
                Issue(
                    tensor: tensor.name, metadataKey: nil,
                    problem: "crux has names of at most \(Format.maximumNameByteCount) bytes, without U+0000",
                    isFatal: true)
            } else {
                nil
            }
        }
        return (metadata.map { [$0] } ?? []) + tensors
    }
}
