internal import CKernels

/// Causal self-attention over packed sequences, all heads of one block.
///
/// Queries are taken in blocks of rows against the keys up to the block's end, so most of the masked half is
/// never computed. Only the log-sum-exp of each row is kept; the backward pass computes the probabilities again.
public enum CausalAttention {
    /// The shape of one call.
    public struct Shape: Sendable {
        /// C.
        public let width: Int
        /// The number of heads; divides C.
        public let headCount: Int

        /// A width and the heads it is cut into.
        public init(width: Int, headCount: Int) {
            precondition(headCount > 0 && width > 0 && width % headCount == 0, "heads must divide the width")
            self.width = width
            self.headCount = headCount
        }

        /// The width of one head.
        public var headSize: Int { width / headCount }

        /// 1 / √(head size).
        public var scale: Float { 1 / Float(headSize).squareRoot() }
    }

    /// Query rows of one block: what the products' tiles of six rows divide.
    static let blockRows = 48

    /// Floats of scratch that a call with sequences up to this length needs.
    public static func scratchCount(maximumSequenceLength: Int, headSize: Int) -> Int {
        let (tokens, width) = (Panels.wholeColumns(maximumSequenceLength), Panels.wholeColumns(headSize))
        return 3 * tokens * width + 2 * blockRows * tokens + blockRows * width + blockRows
    }

    /// out = softmax(Q·Kᵀ/√D, causal)·V for each sequence and head.
    ///
    /// - Parameters:
    ///   - queriesKeysValues: Q, K, V side by side, [M, 3C].
    ///   - sequenceStarts: where sequences start, and M at the end.
    ///   - shape: width and heads.
    ///   - scratch: at least ``scratchCount(maximumSequenceLength:headSize:)``.
    ///   - logSumExp: of each row's scores, for the backward pass, [heads, M].
    ///   - out: [M, C].
    public static func forward(
        _ queriesKeysValues: FloatSlice, sequenceStarts: [Int], shape: Shape, scratch: FloatSlice,
        logSumExp: FloatSlice, into out: FloatSlice
    ) {
        let rowCount = check(queriesKeysValues, sequenceStarts, shape, scratch, logSumExp)
        precondition(out.count == rowCount * shape.width, "CausalAttention: sizes differ")
        let (width, size, stride) = (shape.width, shape.headSize, 3 * shape.width)
        for (start, end) in zip(sequenceStarts, sequenceStarts.dropFirst()) {
            let length = end - start
            let scoreStride = Panels.wholeColumns(length)
            let keyPanels = unsafe scratch.base
            let valuePanels = unsafe keyPanels + scoreStride * Panels.wholeColumns(size)
            let scores = unsafe valuePanels + scoreStride * Panels.wholeColumns(size)
            for head in 0..<shape.headCount {
                let queries = unsafe queriesKeysValues.base + start * stride + head * size
                let rowSums = unsafe logSumExp.base + head * rowCount + start
                let target = unsafe out.base + start * width + head * size
                unsafe crux_pack(length, size, queries + width, stride, keyPanels)
                unsafe crux_pack_columns(length, size, queries + 2 * width, stride, valuePanels)
                for first in Swift.stride(from: 0, to: length, by: blockRows) {
                    let rows = min(blockRows, length - first)
                    let visible = first + rows
                    unsafe crux_multiply_packed(
                        rows, Panels.wholeColumns(visible), size, queries + first * stride, stride, keyPanels,
                        Panels.stride(size), nil, scores, scoreStride)
                    unsafe crux_causal_softmax(
                        rows, visible, first + 1, scoreStride, shape.scale, scores, rowSums + first)
                    unsafe crux_multiply_packed(
                        rows, size, visible, scores, scoreStride, valuePanels, Panels.stride(length), nil,
                        target + first * width, width)
                }
            }
        }
    }

    /// The gradient of Q, K and V.
    ///
    /// - Parameters:
    ///   - outGradient: [M, C].
    ///   - out: the forward output, [M, C].
    ///   - queriesKeysValues: of the forward pass, [M, 3C].
    ///   - sequenceStarts: where sequences start, and M at the end.
    ///   - shape: width and heads.
    ///   - scratch: at least ``scratchCount(maximumSequenceLength:headSize:)``.
    ///   - logSumExp: of the forward pass, [heads, M].
    ///   - gradient: of Q, K, V, overwritten, [M, 3C].
    public static func backward(
        _ outGradient: FloatSlice, out: FloatSlice, queriesKeysValues: FloatSlice, sequenceStarts: [Int],
        shape: Shape, scratch: FloatSlice, logSumExp: FloatSlice, into gradient: FloatSlice
    ) {
        let rowCount = check(queriesKeysValues, sequenceStarts, shape, scratch, logSumExp)
        precondition(
            out.count == rowCount * shape.width && outGradient.count == out.count
                && gradient.count == queriesKeysValues.count, "CausalAttention: sizes differ")
        let (width, size, stride) = (shape.width, shape.headSize, 3 * shape.width)
        for (start, end) in zip(sequenceStarts, sequenceStarts.dropFirst()) {
            let length = end - start
            let scoreStride = Panels.wholeColumns(length)
            let keyPanels = unsafe scratch.base
            let valuePanels = unsafe keyPanels + scoreStride * Panels.wholeColumns(size)
            let keyColumns = unsafe valuePanels + scoreStride * Panels.wholeColumns(size)
            let probabilities = unsafe keyColumns + scoreStride * Panels.wholeColumns(size)
            let scoreGradients = unsafe probabilities + blockRows * scoreStride
            let rowPanels = unsafe scoreGradients + blockRows * scoreStride
            let rowDots = unsafe rowPanels + blockRows * Panels.wholeColumns(size)
            for head in 0..<shape.headCount {
                let queries = unsafe queriesKeysValues.base + start * stride + head * size
                let queryGradients = unsafe gradient.base + start * stride + head * size
                let keyGradients = unsafe queryGradients + width
                let valueGradients = unsafe queryGradients + 2 * width
                let rowSums = unsafe logSumExp.base + head * rowCount + start
                let headOut = unsafe out.base + start * width + head * size
                let headOutGradient = unsafe outGradient.base + start * width + head * size
                unsafe crux_pack(length, size, queries + width, stride, keyPanels)
                unsafe crux_pack_columns(length, size, queries + width, stride, keyColumns)
                unsafe crux_pack(length, size, queries + 2 * width, stride, valuePanels)
                // From the last block on: it sees every key, so it sets what the others add to.
                let lastFirst = (length - 1) / blockRows * blockRows
                for first in Swift.stride(from: lastFirst, through: 0, by: -blockRows) where length > 0 {
                    let rows = min(blockRows, length - first)
                    let visible = first + rows
                    let adds: Int32 = first == lastFirst ? 0 : 1
                    let blockGradient = unsafe headOutGradient + first * width
                    let blockQueries = unsafe queries + first * stride
                    unsafe crux_multiply_packed(
                        rows, Panels.wholeColumns(visible), size, blockQueries, stride, keyPanels, Panels.stride(size),
                        nil,
                        probabilities, scoreStride)
                    unsafe crux_causal_probabilities(
                        rows, visible, first + 1, scoreStride, shape.scale, probabilities, rowSums + first)
                    unsafe crux_multiply_packed(
                        rows, Panels.wholeColumns(visible), size, blockGradient, width, valuePanels,
                        Panels.stride(size), nil,
                        scoreGradients, scoreStride)
                    unsafe crux_row_dots(
                        rows, size, width, blockGradient, width, headOut + first * width, rowDots)
                    unsafe crux_multiply_transposed(
                        rows, visible, size, probabilities, scoreStride, blockGradient, width, adds, valueGradients,
                        stride, rowPanels)
                    unsafe crux_softmax_backward(
                        rows, visible, scoreStride, shape.scale, probabilities, scoreGradients, rowDots)
                    unsafe crux_multiply_transposed(
                        rows, visible, size, scoreGradients, scoreStride, blockQueries, stride, adds, keyGradients,
                        stride, rowPanels)
                    unsafe crux_multiply_packed(
                        rows, size, visible, scoreGradients, scoreStride, keyColumns, Panels.stride(length), nil,
                        queryGradients + first * stride, stride)
                }
            }
        }
    }

    /// Checks the sizes that both passes share; returns M.
    private static func check(
        _ queriesKeysValues: FloatSlice, _ sequenceStarts: [Int], _ shape: Shape, _ scratch: FloatSlice,
        _ logSumExp: FloatSlice
    ) -> Int {
        let rowCount = Bias.rows(of: queriesKeysValues, width: 3 * shape.width)
        precondition(
            sequenceStarts.first == 0 && sequenceStarts.last == rowCount, "CausalAttention: sequences leave rows out")
        var longest = 0
        for (start, end) in zip(sequenceStarts, sequenceStarts.dropFirst()) {
            precondition(start <= end, "CausalAttention: a sequence that ends before it starts")
            longest = max(longest, end - start)
        }
        precondition(
            scratch.count >= scratchCount(maximumSequenceLength: longest, headSize: shape.headSize),
            "CausalAttention: too little scratch")
        precondition(logSumExp.count == shape.headCount * rowCount, "CausalAttention: sizes differ")
        return rowCount
    }
}
