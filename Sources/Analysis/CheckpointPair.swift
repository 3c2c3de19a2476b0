public import CheckpointFormat
public import CheckpointInterop
internal import TensorCore

/// Two checkpoints under the same names, so that their tensors can be paired.
///
/// Where both are GPT-2 under different tools' names or orientations (transformers, nanoGPT, llama.cpp), both are seen
/// under nanoGPT's: names are mapped, Conv1D matrices transposed, causal masks and a head that is the token embedding
/// again left out. Where the one has biases and the other has none, the other's are seen as zeros.
public struct CheckpointPair: Sendable {
    /// The base, as it is compared.
    public let base: any CheckpointSource
    /// The policy, as it is compared.
    public let policy: any CheckpointSource
    /// How names were mapped; nil where they were taken as they are.
    public let mapping: NameMapping?

    /// Looks at two checkpoints.
    ///
    /// - Parameter mapsNames: Whether to map names; else they are taken as they are.
    /// - Throws: ``CheckpointError`` where a head cannot be read, and where a matrix cannot be transposed.
    public init(
        base: any CheckpointSource, policy: any CheckpointSource, mapsNames: Bool = true
    ) throws(CheckpointError) {
        guard mapsNames, let ours = GPT2Names(base.tensors, metadata: base.metadata),
            let theirs = GPT2Names(policy.tensors, metadata: policy.metadata),
            Self.differ((base, ours), (policy, theirs))
        else {
            (self.base, self.policy, mapping) = (base, policy, nil)
            return
        }
        let (ourBiases, theirBiases) = (Self.hasBiases(ours), Self.hasBiases(theirs))
        let views = try (
            GPT2Source(base, naming: .nanoGPT, addsBiases: theirBiases && !ourBiases),
            GPT2Source(policy, naming: .nanoGPT, addsBiases: ourBiases && !theirBiases)
        )
        (self.base, self.policy) = views
        mapping = NameMapping(base: NameMapping.Side(views.0), policy: NameMapping.Side(views.1))
    }

    private static func hasBiases(_ names: GPT2Names) -> Bool { names.parameters.contains { $0.part == .bias } }

    /// Whether a parameter that both have goes by two names or lies in two orientations, or one has masks or a head that
    /// the other lacks.
    private static func differ(
        _ base: (source: any CheckpointSource, names: GPT2Names),
        _ policy: (source: any CheckpointSource, names: GPT2Names)
    ) -> Bool {
        guard base.names.naming == policy.names.naming else { return true }
        let hasOtherNames = base.names.parameters.contains { parameter in
            policy.names.name(of: parameter).map { $0 != base.names.name(of: parameter) } ?? false
        }
        return hasOtherNames || hasUnsharedExtras(base, policy) || hasUnsharedExtras(policy, base)
    }

    /// Whether one side stores masks or a head that the other does not.
    private static func hasUnsharedExtras(
        _ one: (source: any CheckpointSource, names: GPT2Names),
        _ other: (source: any CheckpointSource, names: GPT2Names)
    ) -> Bool {
        one.source.tensors.contains { tensor in
            guard other.source.tensor(named: tensor.name) == nil else { return false }
            return switch one.names.meaning(of: tensor.name) {
            case .causalMask: true
            case .parameter(let parameter): parameter.module == .head
            case nil: false
            }
        }
    }
}

/// How the names of two checkpoints were mapped onto nanoGPT's.
public struct NameMapping: Codable, Hashable, Sendable {
    /// What was done to the base.
    public let base: Side
    /// What was done to the policy.
    public let policy: Side

    /// What was done to one checkpoint.
    public struct Side: Codable, Hashable, Sendable {
        /// Whose names it has.
        public let naming: GPT2Naming
        /// What that was seen by.
        public let evidence: String
        /// Whether its matrices could also lie the other way.
        public let isAmbiguous: Bool
        /// How many matrices were transposed.
        public let transposedCount: Int
        /// The tensors that were left out: causal masks, and a head that is the token embedding.
        public let leftOut: [String]
        /// How many biases that it lacks were taken as zeros.
        public let zeroBiasCount: Int

        init(_ source: GPT2Source) {
            let names = source.originalNames
            naming = names.naming
            evidence = names.evidence
            isAmbiguous = names.isAmbiguous
            transposedCount = names.parameters.count { names.naming.isTransposed($0) }
            leftOut = source.leftOut
            zeroBiasCount = source.zeroBiasCount
        }
    }
}
