/// The leading singular values and vectors of a large matrix by random projection (Halko, Martinsson and Tropp, 2011,
/// algorithms 4.4 and 5.1): the matrix is multiplied with a few random columns, the products' span is sharpened by power
/// iterations, and the matrix is solved exactly inside of that span.
///
/// No computed value exceeds the true one by more than rounding; each falls short of it by little where the values fall
/// off behind the last one, and by more where the spectrum is flat. The result depends on the seed alone, not on the
/// workers.
package struct RandomisedSVD: Sendable {
    /// How much to compute.
    package struct Options: Sendable {
        /// How many values are wanted, k.
        package var rank: Int
        /// Random columns beyond ``rank``: what they hold is thrown away again.
        package var oversampling: Int
        /// Power iterations q, each two more passes over the matrix: the span's error falls as (σ_(l+1) / σ_k)^(2q + 1).
        package var iterationCount: Int
        /// The seed of the random columns.
        package var seed: UInt64

        /// k values, 32 columns more, three iterations.
        package init(rank: Int, oversampling: Int = 32, iterationCount: Int = 3, seed: UInt64 = 0) {
            self.rank = rank
            self.oversampling = oversampling
            self.iterationCount = iterationCount
            self.seed = seed
        }
    }

    /// The singular values, the largest first; at most ``Options/rank``.
    package let values: [Double]
    /// The left singular vectors as columns, [m, k].
    package let left: FloatSlice
    /// The right singular vectors as columns, [n, k].
    package let right: FloatSlice

    /// Solves a row-major matrix [m, n]; nil where it is not finite.
    package init?(_ matrix: MatrixView, options: Options, pool: WorkerPool) {
        let (m, n) = (matrix.rows, matrix.columns)
        let width = min(min(m, n), options.rank + options.oversampling)
        let start = FloatArena(count: n * width).all
        Self.fillWithSigns(start, seed: options.seed)
        var columns = start
        for pass in 0...max(0, options.iterationCount) {
            guard
                let rows = Self.orthonormal(
                    Self.product(matrix, columns, width, pool: pool), rows: m, columns: width)
            else { return nil }
            let turned = Self.product(matrix.transposed, rows, width, pool: pool)
            if pass < options.iterationCount {
                guard let next = Self.orthonormal(turned, rows: n, columns: width) else { return nil }
                columns = next
                continue
            }
            // turned = Aᵀ Q = Bᵀ with B = Qᵀ A, whose Gram matrix B Bᵀ = U Σ² Uᵀ is small.
            guard
                let eigen = SymmetricEigen(
                    SymmetricEigen.gram(turned, rows: n, columns: width), size: width, withVectors: true)
            else { return nil }
            let count = min(options.rank, width)
            values = eigen.values.prefix(count).map { max(0, $0).squareRoot() }
            left = Self.combined(rows, rows: m, columns: width, eigen.vectors.prefix(count).map { ($0, 1) })
            right = Self.combined(
                turned, rows: n, columns: width,
                zip(eigen.vectors, values).map { ($0, $1 > 0 ? 1 / $1 : 0) })
            return
        }
        return nil
    }

    /// +1 and −1, each as likely: as good as normal numbers here, and without a library's logarithm.
    private static func fillWithSigns(_ slice: FloatSlice, seed: UInt64) {
        var state = seed
        slice.withMutableSpan { span in
            for index in span.indices {
                // SplitMix64 (Steele, Lea and Flood, 2014).
                state &+= 0x9E37_79B9_7F4A_7C15
                var word = state
                word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
                word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
                span[index] = (word ^ (word >> 31)) >> 63 == 0 ? 1 : -1
            }
        }
    }

    /// The rows of a product that one task computes; fixed, so that no sum depends on the workers.
    private static let rowsOfTask = 512

    /// matrix · columns, with the matrix transposed if its view is: [rows, width].
    private static func product(_ matrix: MatrixView, _ columns: FloatSlice, _ width: Int, pool: WorkerPool)
        -> FloatSlice
    {
        let (rows, inner) = matrix.isTransposed ? (matrix.columns, matrix.rows) : (matrix.rows, matrix.columns)
        let out = FloatArena(count: rows * width).all
        let factor = MatrixView(columns, rows: inner, columns: width)
        pool.run(taskCount: (rows + rowsOfTask - 1) / rowsOfTask) { task, _ in
            let range = task * rowsOfTask..<min(rows, (task + 1) * rowsOfTask)
            Matmul.multiply(
                matrix.isTransposed ? matrix.columns(range) : matrix.rows(range), factor,
                into: MatrixView(out, rows: rows, columns: width).rows(range))
        }
        return out
    }

    /// Columns of the same span, orthonormal; those that depend on others become zero. Nil for what is not finite.
    ///
    /// Y G^(−1/2) with the Gram matrix G = Yᵀ Y, twice: once leaves an error of the size of Y's condition.
    private static func orthonormal(_ columns: FloatSlice, rows: Int, columns width: Int) -> FloatSlice? {
        var columns = columns
        for _ in 0..<2 {
            guard
                let eigen = SymmetricEigen(
                    SymmetricEigen.gram(columns, rows: rows, columns: width), size: width, withVectors: true)
            else { return nil }
            let least = (eigen.values.first ?? 0) * 1e-13
            columns = combined(
                columns, rows: rows, columns: width,
                zip(eigen.vectors, eigen.values).map { ($0, $1 > least ? 1 / $1.squareRoot() : 0) })
        }
        return columns
    }

    /// columns · [v₁ s₁, v₂ s₂, …]: [rows, count of the vectors].
    private static func combined(
        _ columns: FloatSlice, rows: Int, columns width: Int, _ vectors: [(vector: [Double], scale: Double)]
    ) -> FloatSlice {
        let factor = FloatArena.holding(vectors.flatMap { entry in entry.vector.map { Float($0 * entry.scale) } })
        let out = FloatArena(count: rows * vectors.count).all
        Matmul.multiply(
            MatrixView(columns, rows: rows, columns: width),
            MatrixView(factor, rows: vectors.count, columns: width).transposed,
            into: MatrixView(out, rows: rows, columns: vectors.count))
        return out
    }
}
