#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif
public import CheckpointFormat
public import CheckpointInterop
public import Kernels
internal import TensorCore

extension SpectralDiff {
    /// How much to compute.
    public struct Options: Sendable {
        /// A matrix whose smaller side is longer is solved by random projection: the work of the exact solution grows with
        /// its cube.
        public var exactSide: Int
        /// How many singular values random projection computes.
        public var randomisedRank: Int
        /// A matrix of more elements is left out: it takes sixteen bytes of memory for each.
        public var largestElementCount: Int
        /// The base's leading directions, as a share of the smaller side.
        public var subspaceShare: Double

        /// The defaults: exact up to 2048, 128 values beyond, up to 2²⁸ elements, a tenth.
        public init(
            exactSide: Int = 2048, randomisedRank: Int = 128, largestElementCount: Int = 1 << 28,
            subspaceShare: Double = 0.1
        ) {
            self.exactSide = exactSide
            self.randomisedRank = randomisedRank
            self.largestElementCount = largestElementCount
            self.subspaceShare = subspaceShare
        }
    }

    /// Computes the spectra of the weights that `diff` found changed: small matrices side by side, one on each worker,
    /// then large ones one after another with all workers.
    ///
    /// - Throws: ``CheckpointError`` where a file cannot be read.
    public static func measure(
        _ diff: WeightDiff, base: any CheckpointSource, policy: any CheckpointSource, options: Options = Options(),
        pool: WorkerPool, progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
    ) throws(CheckpointError) -> SpectralDiff {
        let checkpoints = try CheckpointPair(base: base, policy: policy, mapsNames: diff.mapping != nil)
        let (base, policy) = (checkpoints.base, checkpoints.policy)
        var (small, large): ([MatrixPair], [MatrixPair]) = ([], [])
        var skipped: [SkippedSpectrum] = []
        let changed = Set(diff.tensors.filter { !$0.isIdentical }.map(\.name))
        for tensor in policy.tensors where tensor.role == .weight && tensor.shape.rank == 2 {
            guard changed.contains(tensor.name), let partner = base.tensor(named: tensor.name) else { continue }
            let side = tensor.shape.dimensions.min() ?? 0
            if !ElementValues.isNumeric(tensor.dtype) || !ElementValues.isNumeric(partner.dtype) {
                skipped.append(
                    SkippedSpectrum(name: tensor.name, reason: "\(tensor.dtype.rawValue) has no plain numbers"))
            } else if tensor.elementCount > options.largestElementCount {
                skipped.append(
                    SkippedSpectrum(
                        name: tensor.name,
                        reason: "its \(tensor.elementCount) elements are over \(options.largestElementCount)"))
            } else if side > options.exactSide {
                large.append(MatrixPair(base: partner, policy: tensor))
            } else if side > 0 {
                small.append(MatrixPair(base: partner, policy: tensor))
            }
        }
        let counter = ProgressCounter()
        let (matrices, total) = (small, small.count + large.count)
        var spectra = try pool.results(taskCount: matrices.count) { task throws(CheckpointError) -> TensorSpectrum? in
            let pair = matrices[task]
            let spectrum = TensorSpectrum(
                exact: pair.policy, base: try values(of: pair.base, in: base),
                policy: try values(of: pair.policy, in: policy), subspaceShare: options.subspaceShare)
            progress?(counter.add(1), total)
            return spectrum
        }
        for pair in large {
            spectra.append(
                TensorSpectrum(
                    randomised: pair.policy, base: try values(of: pair.base, in: base),
                    policy: try values(of: pair.policy, in: policy), options: options, pool: pool))
            progress?(counter.add(1), total)
        }
        for (pair, spectrum) in zip(small + large, spectra) where spectrum == nil {
            skipped.append(
                SkippedSpectrum(name: pair.policy.name, reason: "it has a NaN or an infinity, or did not change"))
        }
        return SpectralDiff(tensors: spectra.compactMap(\.self), skipped: skipped)
    }

    private struct MatrixPair: Sendable {
        let base: TensorDescription
        let policy: TensorDescription
    }

    private static func values(
        of tensor: TensorDescription, in source: any CheckpointSource
    ) throws(CheckpointError) -> FloatSlice {
        let values = FloatArena(count: tensor.elementCount).all
        var run = [Double](repeating: 0, count: 8192)
        var bytes: [UInt8] = []
        var cursor = TensorCursor(tensor, in: source)
        var offset = 0
        while true {
            try cursor.read(run.count * tensor.dtype.block.byteCount, into: &bytes)
            guard !bytes.isEmpty else { return values }
            let count = unsafe ElementValues.read(bytes.span.bytes, as: tensor.dtype, into: &run)
            values[offset..<offset + count].withMutableSpan { span in
                for index in 0..<count { span[index] = Float(run[index]) }
            }
            offset += count
        }
    }
}

extension TensorSpectrum {
    /// All singular values; nil where a value is not finite, and where nothing changed.
    init?(exact tensor: TensorDescription, base: FloatSlice, policy: FloatSlice, subspaceShare: Double) {
        let shape = tensor.shape.dimensions
        let (rows, columns) = (shape[0], shape[1])
        // The Gram matrix of the smaller side: wide matrices are turned.
        let isTurned = columns > rows
        let (m, n) = isTurned ? (columns, rows) : (rows, columns)
        func arranged(_ values: FloatSlice) -> FloatSlice {
            guard isTurned else { return values }
            let out = FloatArena(count: values.count).all
            Matmul.transpose(values, rows: rows, into: out)
            return out
        }
        let weight = arranged(base)
        let moved = arranged(policy)
        let change = Self.difference(of: moved, and: weight)
        func eigen(_ matrix: FloatSlice, withVectors: Bool = false) -> SymmetricEigen? {
            SymmetricEigen(
                SymmetricEigen.gram(matrix, rows: m, columns: n), size: n, withVectors: withVectors)
        }
        guard let changeEigen = eigen(change), let baseEigen = eigen(weight, withVectors: true),
            let policyEigen = eigen(moved)
        else { return nil }
        func roots(_ eigen: SymmetricEigen) -> [Double] { eigen.values.map { max(0, $0).squareRoot() } }
        let (changeValues, baseValues) = (roots(changeEigen), roots(baseEigen))
        let k = max(1, min(n, Int((subspaceShare * Double(n)).rounded(.up))))
        // U_k = W V_k / σ.
        let right = FloatArena.holding(baseEigen.vectors.prefix(k).flatMap { $0.map { Float($0) } })
        let vectors = MatrixView(right, rows: k, columns: n).transposed
        let left = FloatArena(count: m * k).all
        Matmul.multiply(
            MatrixView(weight, rows: m, columns: n), vectors, into: MatrixView(left, rows: m, columns: k))
        left.withMutableSpan { span in
            for index in span.indices {
                let value = baseValues[index % k]
                span[index] = value > 0 ? Float(Double(span[index]) / value) : 0
            }
        }
        self.init(
            tensor, method: .exact, changeValues: changeValues, baseValues: baseValues,
            policyValues: roots(policyEigen),
            squaredNorm: changeValues.reduce(0) { $0 + $1 * $1 }, subspaceRank: k,
            squaredInside: Self.squaredInside(
                MatrixView(change, rows: m, columns: n), left: MatrixView(left, rows: m, columns: k), right: vectors))
    }

    /// The leading singular values; nil where a value is not finite, and where nothing changed.
    init?(
        randomised tensor: TensorDescription, base: FloatSlice, policy: FloatSlice, options: SpectralDiff.Options,
        pool: WorkerPool
    ) {
        let (m, n) = (tensor.shape.dimensions[0], tensor.shape.dimensions[1])
        func solved(_ values: FloatSlice) -> RandomisedSVD? {
            RandomisedSVD(
                MatrixView(values, rows: m, columns: n), options: .init(rank: options.randomisedRank), pool: pool)
        }
        let change = Self.difference(of: policy, and: base)
        guard let changeSVD = solved(change), let baseSVD = solved(base), let policySVD = solved(policy) else {
            return nil
        }
        let count = baseSVD.values.count
        let k = max(1, min(count, Int((options.subspaceShare * Double(min(m, n))).rounded(.up))))
        let squaredNorm = change.withSpan { span in
            span.indices.reduce(0.0) { $0 + Double(span[$1]) * Double(span[$1]) }
        }
        self.init(
            tensor, method: .randomised, changeValues: changeSVD.values, baseValues: baseSVD.values,
            policyValues: policySVD.values, squaredNorm: squaredNorm, subspaceRank: k,
            squaredInside: Self.squaredInside(
                MatrixView(change, rows: m, columns: n),
                left: MatrixView(baseSVD.left, rows: m, columns: count).columns(0..<k),
                right: MatrixView(baseSVD.right, rows: n, columns: count).columns(0..<k)))
    }

    /// What follows from singular values; nil where nothing changed.
    ///
    /// - Parameters:
    ///   - squaredNorm: ‖Δ‖²_F.
    ///   - squaredInside: ‖U_kᵀ Δ V_k‖²_F.
    private init?(
        _ tensor: TensorDescription, method: Method, changeValues: [Double], baseValues: [Double],
        policyValues: [Double], squaredNorm: Double, subspaceRank k: Int, squaredInside: Double
    ) {
        guard squaredNorm > 0, let first = changeValues.first, first > 0 else { return nil }
        let (rows, columns) = (tensor.shape.dimensions[0], tensor.shape.dimensions[1])
        let squares = changeValues.map { $0 * $0 }
        // Rounding may leave the values' squares a little above the norm.
        let held = min(squaredNorm, squares.reduce(0, +))
        let uncounted = min(rows, columns) - changeValues.count
        let ranks = Self.effectiveRanks(
            changeValues, rest: uncounted > 0 ? squaredNorm - held : 0, restCount: uncounted)
        var (sum, rank99) = (0.0, 0)
        while rank99 < squares.count, sum < 0.99 * squaredNorm {
            sum += squares[rank99]
            rank99 += 1
        }
        let baseNorm = baseValues.reduce(0.0) { $0 + $1 * $1 }
        let shift = zip(policyValues, baseValues).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        self.init(
            name: tensor.name, shape: tensor.shape.dimensions, method: method, changeValues: changeValues,
            changeShareHeld: method == .exact ? 1 : held / squaredNorm, baseValues: baseValues,
            effectiveRank: ranks.most, leastEffectiveRank: ranks.least, stableRank: squaredNorm / squares[0],
            rankOf99Percent: sum >= 0.99 * squaredNorm ? rank99 : nil, subspaceRank: k,
            subspaceShare: squaredInside / squaredNorm, subspaceShareOfChance: Double(k * k) / Double(rows * columns),
            spectralShift: baseNorm > 0 ? (shift / baseNorm).squareRoot() : nil)
    }

    /// The most and the least that exp(−Σ p ln p) can be where values beyond those given hold the square sum `rest`.
    private static func effectiveRanks(
        _ values: [Double], rest: Double, restCount: Int
    ) -> (most: Double, least: Double) {
        func rank(_ restValues: (value: Double, count: Double)?) -> Double {
            let entries = values.map { (value: $0, count: 1.0) } + (restValues.map { [$0] } ?? [])
            let sum = entries.reduce(0) { $0 + $1.count * $1.value }
            return exp(
                entries.reduce(0.0) { entropy, entry in
                    let p = entry.value / sum
                    return p > 0 ? entropy - entry.count * p * log(p) : entropy
                })
        }
        guard rest > 0, restCount > 0, let last = values.last, last > 0 else {
            let all = rank(nil)
            return (all, all)
        }
        func filled(_ count: Double) -> (value: Double, count: Double) { ((rest / count).squareRoot(), count) }
        let most = rank(filled(Double(restCount)))
        // None of the rest is larger than the last that was computed.
        return (most, min(most, rank(filled(min(Double(restCount), max(1, rest / (last * last)))))))
    }

    private static func difference(of policy: FloatSlice, and base: FloatSlice) -> FloatSlice {
        let change = FloatArena(count: base.count).all
        change.withMutableSpan { change in
            policy.withSpan { policy in
                base.withSpan { base in
                    for index in change.indices { change[index] = policy[index] - base[index] }
                }
            }
        }
        return change
    }

    /// ‖Uᵀ Δ V‖²_F for Δ [m, n], U [m, k] and V [n, k].
    private static func squaredInside(_ change: MatrixView, left: MatrixView, right: MatrixView) -> Double {
        let k = left.columns
        let moved = FloatArena(count: change.rows * k).all
        Matmul.multiply(change, right, into: MatrixView(moved, rows: change.rows, columns: k))
        let inner = FloatArena(count: k * k).all
        Matmul.multiply(
            left.transposed, MatrixView(moved, rows: change.rows, columns: k),
            into: MatrixView(inner, rows: k, columns: k))
        return inner.array.reduce(0.0) { $0 + Double($1) * Double($1) }
    }
}
