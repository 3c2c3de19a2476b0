public import CheckpointFormat
public import CheckpointInterop
public import Kernels
public import TensorCore

extension WeightDiff {
    /// What to compare and how.
    public struct Options: Sendable {
        /// When an element counts as changed.
        public var tolerances: ChangeTolerances
        /// The roles of the tensors to compare; nil for all.
        public var roles: Set<TensorRole>?
        /// Whether to see both under the same names where they are those of two tools; see ``CheckpointPair``.
        public var mapsNames: Bool

        /// All roles, with the tolerances of the literature.
        public init(
            tolerances: ChangeTolerances = ChangeTolerances(), roles: Set<TensorRole>? = nil, mapsNames: Bool = true
        ) {
            self.tolerances = tolerances
            self.roles = roles
            self.mapsNames = mapsNames
        }
    }

    /// Compares two checkpoints of any format, tensors side by side on the pool's workers.
    ///
    /// Both are streamed; no tensor is held in memory. Tensors whose stored digests are equal are not read,
    /// except for their norm where other tensors changed. The result does not depend on the workers.
    ///
    /// - Parameter progress: Called from any worker after each tensor with the elements compared so far and
    ///   the elements in all.
    /// - Throws: ``CheckpointError`` where a file is damaged or cannot be read.
    public static func compare(
        base: any CheckpointSource, policy: any CheckpointSource, options: Options = Options(), pool: WorkerPool,
        progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
    ) throws(CheckpointError) -> WeightDiff {
        let checkpoints = try CheckpointPair(base: base, policy: policy, mapsNames: options.mapsNames)
        let identities = (CheckpointIdentity(base), CheckpointIdentity(policy))
        let (base, policy) = (checkpoints.base, checkpoints.policy)
        let pairing = TensorPairing(base: base, policy: policy, roles: options.roles)
        // Equal digests hide no difference: they cover type, shape and content.
        let hasChange = pairing.pairs.contains { !$0.hasEqualDigests }
        // The largest first, so that no worker is left alone with one at the end.
        let order = pairing.pairs.indices.sorted {
            (pairing.pairs[$1].policy.byteCount, $0) < (pairing.pairs[$0].policy.byteCount, $1)
        }
        let stretches = order.flatMap { pair in
            Self.stretches(of: pairing.pairs[pair], base, policy).map { (pair: pair, elements: $0) }
        }
        let total = pairing.pairs.reduce(0) { $0 + $1.policy.elementCount }
        let counter = ProgressCounter()
        let parts = try pool.results(taskCount: stretches.count) { task throws(CheckpointError) -> TensorComparison in
            let (pair, elements) = (pairing.pairs[stretches[task].pair], stretches[task].elements)
            let comparison: TensorComparison
            if !pair.hasEqualDigests {
                comparison = try TensorComparison(
                    pair.base, in: base, with: pair.policy, in: policy, elements: elements,
                    tolerances: options.tolerances)
            } else if hasChange {
                comparison = try TensorComparison(
                    identical: pair.base, policy: pair.policy, elements: elements, in: base)
            } else {
                comparison = TensorComparison(identical: pair.base, policy: pair.policy, elements: elements)
            }
            progress?(counter.add(elements.count), total)
            return comparison
        }
        // Added up in the order of the elements, so that rounding does not depend on the workers.
        var byPair: [Int: TensorComparison] = [:]
        for (stretch, part) in zip(stretches, parts) {
            if byPair[stretch.pair] == nil { byPair[stretch.pair] = part } else { byPair[stretch.pair]?.add(part) }
        }
        let comparisons = byPair.sorted { $0.key < $1.key }.map(\.value)
        let metadata = MetadataComparison(base: base.metadata, policy: policy.metadata)
        let weights = comparisons.filter { $0.policy.role == .weight }
        return WeightDiff(
            schemaVersion: currentSchemaVersion,
            base: identities.0,
            policy: identities.1,
            mapping: checkpoints.mapping,
            tolerances: options.tolerances,
            isIdentical: pairing.structure.isEmpty && metadata.isEmpty && comparisons.allSatisfy(\.isIdentical),
            structure: pairing.structure,
            metadata: metadata.entries,
            configuration: metadata.configuration,
            trainingState: options.roles == nil
                ? TrainingStateChange.changes(checkpoints, comparisons: comparisons) : [],
            tensors: ranked(comparisons.map(\.difference)),
            weights: ComparisonGroup(weights).figures,
            byRole: TensorRole.allCases.compactMap { role in
                let group = ComparisonGroup(comparisons.filter { $0.policy.role == role })
                guard group.tensorCount > 0 else { return nil }
                return RoleDifference(
                    role: role.name, tensorCount: group.tensorCount, changedTensorCount: group.changedTensorCount,
                    figures: group.figures)
            },
            byKind: ParameterKind.allCases.compactMap { kind in
                let group = ComparisonGroup(weights.filter { $0.place.kind == kind })
                guard group.tensorCount > 0 else { return nil }
                return KindDifference(
                    kind: kind, tensorCount: group.tensorCount, changedTensorCount: group.changedTensorCount,
                    figures: group.figures)
            },
            byLayer: layers(of: weights),
            byBlock: blocks(of: weights))
    }

    /// The ranges of elements that workers take: a tensor that can be read from the middle is cut into pieces of a fixed
    /// size, so that one huge tensor does not keep a single worker busy; an empty tensor is one empty range.
    private static func stretches(
        of pair: TensorPairing.Pair, _ base: any CheckpointSource, _ policy: any CheckpointSource
    ) -> [Range<Int>] {
        let count = pair.policy.elementCount
        let canStartAnywhere =
            base.storage(of: pair.base).chunkByteCount != nil && policy.storage(of: pair.policy).chunkByteCount != nil
        guard canStartAnywhere, count > stretchElementCount else { return [0..<count] }
        return stride(from: 0, to: count, by: stretchElementCount).map {
            $0..<min($0 + stretchElementCount, count)
        }
    }

    /// Whole blocks of every type; 16 MiB of F32.
    private static let stretchElementCount = 1 << 22

    /// The largest relative change first, what has none (bit by bit only) after it by its changed share,
    /// then by name.
    private static func ranked(_ tensors: [TensorDifference]) -> [TensorDifference] {
        func rank(_ tensor: TensorDifference) -> (Double, Double) {
            guard let figures = tensor.figures else { return (-1, tensor.changedBitwise.share) }
            // A change from all zeros is infinite in relation to them.
            let relative = figures.relativeChange ?? .infinity
            return (relative.isNaN ? .infinity : relative, tensor.changedBitwise.share)
        }
        return tensors.sorted { first, second in
            let (firstRank, secondRank) = (rank(first), rank(second))
            return firstRank == secondRank ? first.name < second.name : firstRank > secondRank
        }
    }

    /// The blocks in order, what is outside of them last.
    private static func blocks(of weights: [TensorComparison]) -> [BlockDifference] {
        Dictionary(grouping: weights, by: \.place.layer).sorted { ($0.key ?? .max) < ($1.key ?? .max) }.map {
            layer, members in
            let group = ComparisonGroup(members)
            return BlockDifference(
                layer: layer, tensorCount: group.tensorCount, changedTensorCount: group.changedTensorCount,
                figures: group.figures)
        }
    }

    private static func layers(of weights: [TensorComparison]) -> [LayerDifference] {
        Dictionary(grouping: weights, by: \.place).map { place, members in
            let group = ComparisonGroup(members)
            return LayerDifference(
                place: place, tensorCount: group.tensorCount, changedTensorCount: group.changedTensorCount,
                figures: group.figures)
        }.sorted { first, second in
            let order = ParameterKind.allCases
            let ranks = [first, second].map { entry in
                (entry.place.layer ?? .max, order.firstIndex(of: entry.place.kind) ?? order.count)
            }
            return ranks[0] < ranks[1]
        }
    }
}

/// Several comparisons taken together.
private struct ComparisonGroup {
    let tensorCount: Int
    let changedTensorCount: Int
    let figures: DifferenceFigures?

    /// Adds up in the order given, so that rounding does not depend on the workers.
    init(_ comparisons: [TensorComparison]) {
        tensorCount = comparisons.count
        changedTensorCount = comparisons.count { !$0.isIdentical }
        var total = DifferenceSums()
        let sums = comparisons.compactMap(\.sums)
        for sum in sums { total.add(sum) }
        figures = sums.isEmpty ? nil : total.figures
    }
}
