internal import CheckpointInterop
internal import TensorCore

/// Which tensors of two checkpoints belong together, and which have no partner.
struct TensorPairing: Sendable {
    /// Two tensors of one name and shape.
    struct Pair: Sendable {
        let base: TensorDescription
        let policy: TensorDescription
        /// Whether both files store a digest and the digests are the same.
        let hasEqualDigests: Bool
    }

    /// In the policy's order.
    let pairs: [Pair]
    /// The tensors that are not in ``pairs``, and those that are described differently.
    let structure: StructureDiff

    init(base: any CheckpointSource, policy: any CheckpointSource, roles: Set<TensorRole>?) {
        func isCompared(_ tensor: TensorDescription) -> Bool { roles?.contains(tensor.role) ?? true }
        var pairs: [Pair] = []
        var added: [TensorSummary] = []
        var (reshaped, retyped, reassigned): ([TensorChange], [TensorChange], [TensorChange]) = ([], [], [])
        for tensor in policy.tensors where isCompared(tensor) {
            guard let partner = base.tensor(named: tensor.name) else {
                added.append(TensorSummary(tensor))
                continue
            }
            let change = TensorChange(base: TensorSummary(partner), policy: TensorSummary(tensor))
            if partner.role != tensor.role { reassigned.append(change) }
            guard partner.shape == tensor.shape else {
                reshaped.append(change)
                continue
            }
            if partner.dtype != tensor.dtype { retyped.append(change) }
            let digests = (base.storage(of: partner).digest, policy.storage(of: tensor).digest)
            pairs.append(
                Pair(base: partner, policy: tensor, hasEqualDigests: digests.0 != nil && digests.0 == digests.1))
        }
        self.pairs = pairs
        structure = StructureDiff(
            missing: base.tensors.filter { isCompared($0) && policy.tensor(named: $0.name) == nil }
                .map(TensorSummary.init),
            added: added, reshaped: reshaped, retyped: retyped, reassigned: reassigned)
    }
}
