internal import CKernels
internal import COneDNN

/// Products of matrices.
public enum Matmul {
    /// out = a · b, or out += a · b, on the calling thread.
    ///
    /// With the transpositions applied, a is [m, k], b is [k, n] and out [m, n]; out itself is not transposed.
    public static func multiply(_ a: MatrixView, _ b: MatrixView, into out: MatrixView, accumulate: Bool = false) {
        let (m, k) = a.isTransposed ? (a.columns, a.rows) : (a.rows, a.columns)
        let (n, inner) = b.isTransposed ? (b.rows, b.columns) : (b.columns, b.rows)
        precondition(
            k == inner && out.rows == m && out.columns == n && !out.isTransposed, "matrices that do not fit")
        guard m > 0, n > 0 else { return }
        crux_use_one_openmp_thread()
        let plain = CChar(bitPattern: UInt8(ascii: "N"))
        let transposed = CChar(bitPattern: UInt8(ascii: "T"))
        let status = unsafe dnnl_sgemm(
            a.isTransposed ? transposed : plain, b.isTransposed ? transposed : plain,
            dnnl_dim_t(m), dnnl_dim_t(n), dnnl_dim_t(k), 1, a.slice.base, dnnl_dim_t(a.stride), b.slice.base,
            dnnl_dim_t(b.stride), accumulate ? 1 : 0, out.slice.base, dnnl_dim_t(out.stride))
        precondition(status == dnnl_success, "the matrix library refused \(m)×\(n)×\(k)")
    }

    /// out = matrixᵀ, both without gaps between rows: [rows, columns] to [columns, rows].
    public static func transpose(_ matrix: FloatSlice, rows: Int, into out: FloatSlice) {
        precondition(rows > 0 && matrix.count % rows == 0 && out.count == matrix.count, "matrices that do not fit")
        unsafe crux_transpose(rows, matrix.count / rows, matrix.base, out.base)
    }
}
