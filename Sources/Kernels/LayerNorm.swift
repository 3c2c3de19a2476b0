internal import CKernels

/// Layer normalisation over the last dimension.
public enum LayerNorm {
    /// What a row was normalised with, kept for the backward pass: means and reciprocal deviations, [M] each.
    public struct Statistics: Sendable {
        /// Means, [M].
        public let mean: FloatSlice
        /// Reciprocal standard deviations, [M].
        public let reciprocalDeviation: FloatSlice

        /// Slices of one float a row.
        public init(mean: FloatSlice, reciprocalDeviation: FloatSlice) {
            self.mean = mean
            self.reciprocalDeviation = reciprocalDeviation
        }

        /// The statistics of the first rows.
        public func prefix(_ rows: Int) -> Statistics {
            Statistics(mean: mean.prefix(rows), reciprocalDeviation: reciprocalDeviation.prefix(rows))
        }
    }

    /// out = normalise(input [+ residual]) · weight [+ bias].
    ///
    /// - Parameters:
    ///   - input: [M, C].
    ///   - residual: what to add first, [M, C], and where the sum goes (may be `input`).
    ///   - weight: [C].
    ///   - bias: [C] or nil.
    ///   - epsilon: added to the variance.
    ///   - out: [M, C].
    ///   - statistics: [M] each; their size is the number of rows.
    public static func forward(
        _ input: FloatSlice, adding residual: (addend: FloatSlice, sum: FloatSlice)? = nil, weight: FloatSlice,
        bias: FloatSlice?, epsilon: Float, into out: FloatSlice, statistics: Statistics
    ) {
        let (rows, width) = (statistics.mean.count, weight.count)
        precondition(statistics.reciprocalDeviation.count == rows, "statistics of different sizes")
        precondition(input.count == rows * width && out.count == rows * width, "LayerNorm: sizes differ")
        precondition(bias.map { $0.count == width } ?? true, "LayerNorm: bias of another width")
        if let residual {
            precondition(residual.addend.count == rows * width, "LayerNorm: residual of another size")
            precondition(residual.sum.count == rows * width, "LayerNorm: sum of another size")
        }
        unsafe crux_layer_norm_forward(
            rows, width, input.base, residual?.addend.base, residual?.sum.base, weight.base, bias?.base, epsilon,
            out.base, statistics.mean.base, statistics.reciprocalDeviation.base)
    }

    /// Adds the gradients of input, weight and bias to what is there and computes the forward output again.
    ///
    /// - Parameters:
    ///   - outGradient: [M, C].
    ///   - input: what was normalised, [M, C].
    ///   - weight: [C].
    ///   - bias: [C] or nil, together with `biasGradient`.
    ///   - statistics: of the forward pass, [M] each.
    ///   - inputGradient: [M, C], added to.
    ///   - out: the forward output once more, [M, C], so that it need not be kept.
    ///   - weightGradient: [C], added to.
    ///   - biasGradient: [C], added to, or nil.
    public static func backward(
        _ outGradient: FloatSlice, input: FloatSlice, weight: FloatSlice, bias: FloatSlice?, statistics: Statistics,
        addingTo inputGradient: FloatSlice, recomputing out: FloatSlice, weightGradient: FloatSlice,
        biasGradient: FloatSlice?
    ) {
        let (rows, width) = (statistics.mean.count, weight.count)
        precondition(statistics.reciprocalDeviation.count == rows, "statistics of different sizes")
        precondition(outGradient.count == rows * width && input.count == rows * width, "LayerNorm: sizes differ")
        precondition(inputGradient.count == rows * width && out.count == rows * width, "LayerNorm: sizes differ")
        precondition(weightGradient.count == width, "LayerNorm: weight gradient of another width")
        precondition((bias == nil) == (biasGradient == nil), "LayerNorm: bias without its gradient")
        precondition(
            (bias?.count ?? width) == width && (biasGradient?.count ?? width) == width,
            "LayerNorm: bias of another width")
        unsafe crux_layer_norm_backward(
            rows, width, outGradient.base, input.base, weight.base, bias?.base, statistics.mean.base,
            statistics.reciprocalDeviation.base, inputGradient.base, out.base, weightGradient.base,
            biasGradient?.base)
    }
}
