internal import CKernels

/// The three products of a linear layer y = x · weightᵀ + bias in training, on the calling thread.
///
/// The factor that all rows share is rearranged into panels on the way, some columns at a time, so that it is read
/// from a near cache. Each sum runs in the order of its index, however wide the CPU's vectors are.
public enum Linear {
    /// Floats of a packed piece, a quarter of a megabyte: what a second-level cache holds beside other things.
    private static let pieceCount = 65536

    /// Rows that a product takes at a time: what its tiles of six rows divide.
    private static let blockRows = 48

    /// Floats of scratch for layers of up to so many inputs and outputs.
    public static func scratchCount(maximumWidth: Int) -> Int {
        max(pieceCount, Panels.stride(maximumWidth))
    }

    /// y = x · weightᵀ [+ bias].
    ///
    /// - Parameters:
    ///   - input: x, [M, K].
    ///   - weight: [N, K].
    ///   - bias: [N] or nil.
    ///   - out: y, [M, N].
    ///   - scratch: at least ``scratchCount(maximumWidth:)`` for K and N.
    public static func forward(
        _ input: FloatSlice, inputWidth: Int, weight: FloatSlice, bias: FloatSlice?, into out: FloatSlice,
        scratch: FloatSlice
    ) {
        let (rows, outputWidth) = sizes(input, inputWidth, weight, out, scratch)
        precondition((bias?.count ?? outputWidth) == outputWidth, "Linear: bias of another width")
        for columns in pieces(of: outputWidth, depth: inputWidth) {
            unsafe crux_pack(
                columns.count, inputWidth, weight.base + columns.lowerBound * inputWidth, inputWidth, scratch.base)
            unsafe multiply(
                rows, columns.count, inputWidth, input.base, scratch.base,
                bias.map { unsafe $0.base + columns.lowerBound }, out.base + columns.lowerBound, outputWidth)
        }
    }

    /// The gradient of x: gradient · weight.
    ///
    /// - Parameters:
    ///   - gradient: of y, [M, N].
    ///   - weight: [N, K].
    ///   - out: of x, [M, K].
    ///   - scratch: at least ``scratchCount(maximumWidth:)`` for K and N.
    public static func inputGradient(
        _ gradient: FloatSlice, weight: FloatSlice, inputWidth: Int, into out: FloatSlice, scratch: FloatSlice
    ) {
        let (rows, outputWidth) = sizes(out, inputWidth, weight, gradient, scratch)
        for columns in pieces(of: inputWidth, depth: outputWidth) {
            unsafe crux_pack_columns(
                outputWidth, columns.count, weight.base + columns.lowerBound, inputWidth, scratch.base)
            unsafe multiply(
                rows, columns.count, outputWidth, gradient.base, scratch.base, nil, out.base + columns.lowerBound,
                inputWidth)
        }
    }

    /// The weight's gradient += gradientᵀ · x.
    ///
    /// - Parameters:
    ///   - gradient: of y, [M, N].
    ///   - input: x, [M, K].
    ///   - weightGradient: [N, K].
    ///   - scratch: at least ``scratchCount(maximumWidth:)`` for K and N.
    public static func addWeightGradient(
        _ gradient: FloatSlice, input: FloatSlice, inputWidth: Int, to weightGradient: FloatSlice, scratch: FloatSlice
    ) {
        let (rows, outputWidth) = sizes(input, inputWidth, weightGradient, gradient, scratch)
        for columns in pieces(of: inputWidth, depth: Int(CRUX_STRIP_ROWS)) {
            unsafe crux_multiply_transposed(
                rows, outputWidth, columns.count, gradient.base, outputWidth, input.base + columns.lowerBound,
                inputWidth, 1, weightGradient.base + columns.lowerBound, inputWidth, scratch.base)
        }
    }

    /// x · packed, some rows at a time, so that they and what comes of them stay near while the panels go by.
    @unsafe
    private static func multiply(
        _ rowCount: Int, _ columnCount: Int, _ depth: Int, _ x: UnsafePointer<Float>, _ packed: UnsafePointer<Float>,
        _ bias: UnsafePointer<Float>?, _ out: UnsafeMutablePointer<Float>, _ outStride: Int
    ) {
        for first in stride(from: 0, to: rowCount, by: blockRows) {
            unsafe crux_multiply_packed(
                min(blockRows, rowCount - first), columnCount, depth, x + first * depth, depth, packed,
                Panels.stride(depth), bias, out + first * outStride, outStride)
        }
    }

    /// Columns whose panels of `depth` rows fit one piece, at least one panel.
    private static func pieces(of width: Int, depth: Int) -> some Sequence<Range<Int>> {
        let size = max(pieceCount / Panels.stride(depth), 1) * Panels.width
        return stride(from: 0, to: width, by: size).lazy.map { $0..<min($0 + size, width) }
    }

    /// Checks all sizes; returns M and N.
    private static func sizes(
        _ input: FloatSlice, _ inputWidth: Int, _ weight: FloatSlice, _ out: FloatSlice, _ scratch: FloatSlice
    ) -> (rows: Int, outputWidth: Int) {
        let (rows, outputWidth) = (
            Bias.rows(of: input, width: inputWidth), Bias.rows(of: weight, width: inputWidth)
        )
        precondition(out.count == rows * outputWidth, "Linear: sizes differ")
        precondition(
            scratch.count >= scratchCount(maximumWidth: max(inputWidth, outputWidth)), "Linear: too little scratch")
        return (rows, outputWidth)
    }
}
