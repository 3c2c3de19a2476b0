internal import CKernels

/// Eigenvalues and eigenvectors of symmetric matrices, in double precision.
package struct SymmetricEigen: Sendable {
    /// The eigenvalues, the largest first.
    package let values: [Double]
    /// The eigenvectors in the order of ``values``, each of unit length; empty where they were not asked for.
    package let vectors: [[Double]]

    /// Solves a row-major matrix of `size` × `size`; nil where the iteration does not converge, as for NaNs.
    package init?(_ matrix: [Double], size: Int, withVectors: Bool) {
        precondition(matrix.count == size * size, "SymmetricEigen: a matrix of another size")
        guard matrix.allSatisfy({ $0.isFinite }) else { return nil }
        var matrix = matrix
        var values = [Double](repeating: 0, count: size)
        var vectors = [Double](repeating: 0, count: withVectors ? size * size : 0)
        var scratch = [Double](repeating: 0, count: 2 * size)
        let hasConverged = unsafe vectors.withUnsafeMutableBufferPointer { vectors in
            unsafe crux_symmetric_eigen(
                size, &matrix, &values, withVectors ? vectors.baseAddress : nil, &scratch)
        }
        guard hasConverged != 0 else { return nil }
        let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
        self.values = order.map { values[$0] }
        self.vectors = withVectors ? order.map { Array(vectors[$0 * size..<($0 + 1) * size]) } : []
    }

    /// xᵀ x of a row-major matrix of `rows` × `columns`, in double precision.
    package static func gram(_ matrix: FloatSlice, rows: Int, columns: Int) -> [Double] {
        precondition(matrix.count == rows * columns, "SymmetricEigen: a matrix of another size")
        var gram = [Double](repeating: 0, count: columns * columns)
        unsafe crux_gram(rows, columns, matrix.base, &gram)
        return gram
    }
}
