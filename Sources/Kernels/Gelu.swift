internal import CKernels

/// GELU in its tanh form, with the preceding layer's bias.
public enum Gelu {
    /// input += bias in place; out = gelu(input).
    ///
    /// - Parameters:
    ///   - input: [M, N].
    ///   - bias: [N], or nil.
    ///   - width: N.
    ///   - out: [M, N]; may be `input` where that is not needed again.
    public static func forward(addingBias bias: FloatSlice?, to input: FloatSlice, width: Int, into out: FloatSlice) {
        let rows = Bias.rows(of: input, width: width)
        precondition(out.count == input.count && (bias?.count ?? width) == width, "Gelu: sizes differ")
        unsafe crux_bias_gelu_forward(rows, width, input.base, bias?.base, out.base)
    }

    /// gradient *= gelu'(input) in place; out = gelu(input); biasGradient += column sums of the result.
    ///
    /// - Parameters:
    ///   - gradient: of the output on entry, of the input on return, [M, N].
    ///   - input: with the bias added, [M, N].
    ///   - width: N.
    ///   - out: the forward output once more, [M, N], so that it need not be kept.
    ///   - biasGradient: [N], added to, or nil.
    public static func backward(
        _ gradient: FloatSlice, input: FloatSlice, width: Int, recomputing out: FloatSlice, biasGradient: FloatSlice?
    ) {
        let rows = Bias.rows(of: input, width: width)
        precondition(gradient.count == input.count && out.count == input.count, "Gelu: sizes differ")
        precondition((biasGradient?.count ?? width) == width, "Gelu: bias of another width")
        unsafe crux_gelu_backward(rows, width, input.base, gradient.base, out.base, biasGradient?.base)
    }
}
