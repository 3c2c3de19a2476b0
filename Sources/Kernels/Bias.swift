internal import CKernels

/// A vector added to every row.
public enum Bias {
    /// matrix += bias in each of its rows: [M, N] and [N].
    public static func add(_ bias: FloatSlice, to matrix: FloatSlice) {
        let rows = rows(of: matrix, width: bias.count)
        unsafe crux_add_bias(rows, bias.count, matrix.base, bias.base)
    }

    /// gradient += the column sums of the rows' gradient: [N] and [M, N].
    public static func addGradient(of matrixGradient: FloatSlice, to gradient: FloatSlice) {
        let rows = rows(of: matrixGradient, width: gradient.count)
        unsafe crux_add_column_sums(rows, gradient.count, matrixGradient.base, gradient.base)
    }

    static func rows(of matrix: FloatSlice, width: Int) -> Int {
        precondition(width > 0 && matrix.count % width == 0, "a matrix without whole rows")
        return matrix.count / width
    }
}
