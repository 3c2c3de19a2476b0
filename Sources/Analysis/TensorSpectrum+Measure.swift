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
        /// A matrix whose smaller side is longer is left out: the work grows with its cube.
        public var largestSide: Int
        /// The base's leading directions, as a share of the smaller side.
        public var subspaceShare: Double

        /// The defaults: up to 2048, a tenth.
        public init(largestSide: Int = 2048, subspaceShare: Double = 0.1) {
            self.largestSide = largestSide
            self.subspaceShare = subspaceShare
        }
    }

    /// Computes the spectra of the weights that `diff` found changed, a matrix at a time on each worker.
    ///
    /// - Throws: ``CheckpointError`` where a file cannot be read.
    public static func measure(
        _ diff: WeightDiff, base: any CheckpointSource, policy: any CheckpointSource, options: Options = Options(),
        pool: WorkerPool, progress: (@Sendable (_ done: Int, _ total: Int) -> Void)? = nil
    ) throws(CheckpointError) -> SpectralDiff {
        var pairs: [(TensorDescription, TensorDescription)] = []
        var skipped: [SkippedSpectrum] = []
        let changed = Set(diff.tensors.filter { !$0.isIdentical }.map(\.name))
        for tensor in policy.tensors where tensor.role == .weight && tensor.shape.rank == 2 {
            guard changed.contains(tensor.name), let partner = base.tensor(named: tensor.name) else { continue }
            let sides = tensor.shape.dimensions
            let side = min(sides[0], sides[1])
            if side > options.largestSide {
                skipped.append(
                    SkippedSpectrum(
                        name: tensor.name, reason: "the smaller side, \(side), is over \(options.largestSide)")
                )
            } else if !ElementValues.isNumeric(tensor.dtype) || !ElementValues.isNumeric(partner.dtype) {
                skipped.append(
                    SkippedSpectrum(name: tensor.name, reason: "\(tensor.dtype.rawValue) has no plain numbers"))
            } else if side > 0 {
                pairs.append((partner, tensor))
            }
        }
        let counter = ProgressCounter()
        let matrices = pairs
        let spectra = try pool.results(taskCount: matrices.count) { task throws(CheckpointError) -> TensorSpectrum? in
            let (from, to) = matrices[task]
            let spectrum = TensorSpectrum(
                name: to.name, shape: to.shape.dimensions, base: try values(of: from, in: base),
                policy: try values(of: to, in: policy), subspaceShare: options.subspaceShare)
            progress?(counter.add(1), matrices.count)
            return spectrum
        }
        for (pair, spectrum) in zip(matrices, spectra) where spectrum == nil {
            skipped.append(SkippedSpectrum(name: pair.1.name, reason: "it has a NaN or an infinity, or did not change"))
        }
        return SpectralDiff(tensors: spectra.compactMap(\.self), skipped: skipped)
    }

    private static func values(
        of tensor: TensorDescription, in source: any CheckpointSource
    ) throws(CheckpointError) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(tensor.elementCount)
        var run = [Double](repeating: 0, count: 8192)
        var bytes: [UInt8] = []
        var cursor = TensorCursor(tensor, in: source)
        while true {
            try cursor.read(run.count * tensor.dtype.block.byteCount, into: &bytes)
            guard !bytes.isEmpty else { return values }
            let count = unsafe ElementValues.read(bytes.span.bytes, as: tensor.dtype, into: &run)
            for index in 0..<count { values.append(Float(run[index])) }
        }
    }
}

extension TensorSpectrum {
    /// Nil where a value is not finite, and where nothing changed.
    init?(name: String, shape: [Int], base: [Float], policy: [Float], subspaceShare: Double) {
        let (rows, columns) = (shape[0], shape[1])
        guard base.count == rows * columns, policy.count == base.count else { return nil }
        // The Gram matrix of the smaller side: wide matrices are turned.
        let isTurned = columns > rows
        let (m, n) = isTurned ? (columns, rows) : (rows, columns)
        func arranged(_ values: [Float]) -> FloatSlice {
            let slice = FloatArena.holding(values)
            guard isTurned else { return slice }
            let out = FloatArena(count: values.count).all
            Matmul.transpose(slice, rows: rows, into: out)
            return out
        }
        let weight = arranged(base)
        let moved = arranged(policy)
        let change = FloatArena(count: base.count).all
        change.copy(from: zip(moved.array, weight.array).map { $0 - $1 })
        func eigen(_ matrix: FloatSlice, withVectors: Bool = false) -> SymmetricEigen? {
            SymmetricEigen(
                SymmetricEigen.gram(matrix, rows: m, columns: n), size: n, withVectors: withVectors)
        }
        guard let changeEigen = eigen(change), let baseEigen = eigen(weight, withVectors: true),
            let policyEigen = eigen(moved)
        else { return nil }
        func roots(_ eigen: SymmetricEigen) -> [Double] { eigen.values.map { max(0, $0).squareRoot() } }
        let (changeValues, baseValues, policyValues) = (roots(changeEigen), roots(baseEigen), roots(policyEigen))
        let squares = changeValues.map { $0 * $0 }
        let total = squares.reduce(0, +)
        guard total > 0 else { return nil }
        let sum = changeValues.reduce(0, +)
        let entropy = changeValues.reduce(0.0) { $1 > 0 ? $0 - $1 / sum * log($1 / sum) : $0 }
        var (held, rank99) = (0.0, 0)
        while rank99 < squares.count, held < 0.99 * total {
            held += squares[rank99]
            rank99 += 1
        }
        let k = max(1, min(n, Int((subspaceShare * Double(n)).rounded(.up))))
        let baseNorm = baseValues.reduce(0.0) { $0 + $1 * $1 }
        let shift = zip(policyValues, baseValues).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        self.init(
            name: name, shape: shape, changeValues: changeValues, baseValues: baseValues,
            effectiveRank: exp(entropy), stableRank: total / squares[0], rankOf99Percent: rank99,
            subspaceRank: k,
            subspaceShare: Self.share(
                of: change, in: weight, rows: m, vectors: baseEigen.vectors.prefix(k), values: baseValues) / total,
            subspaceShareOfChance: Double(k * k) / Double(m * n),
            spectralShift: baseNorm > 0 ? (shift / baseNorm).squareRoot() : nil)
    }

    /// ‖U_kᵀ Δ V_k‖²_F with U_k = W V_k / σ.
    private static func share(
        of change: FloatSlice, in base: FloatSlice, rows: Int, vectors: ArraySlice<[Double]>, values: [Double]
    ) -> Double {
        let (k, n) = (vectors.count, change.count / rows)
        let directions = FloatArena.holding(vectors.flatMap { $0.map { Float($0) } })
        let basis = MatrixView(directions, rows: k, columns: n).transposed
        func projected(_ matrix: FloatSlice) -> FloatSlice {
            let out = FloatArena(count: rows * k).all
            Matmul.multiply(
                MatrixView(matrix, rows: rows, columns: n), basis, into: MatrixView(out, rows: rows, columns: k))
            return out
        }
        let (left, right) = (projected(base), projected(change))
        let inner = FloatArena(count: k * k).all
        Matmul.multiply(
            MatrixView(left, rows: rows, columns: k).transposed, MatrixView(right, rows: rows, columns: k),
            into: MatrixView(inner, rows: k, columns: k))
        let products = inner.array
        var sum = 0.0
        for row in 0..<k where values[row] > 0 {
            for column in 0..<k {
                let entry = Double(products[row * k + column]) / values[row]
                sum += entry * entry
            }
        }
        return sum
    }
}
