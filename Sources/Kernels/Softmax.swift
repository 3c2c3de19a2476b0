internal import CKernels

/// Softmax over the vocabulary and the losses on it.
public enum Softmax {
    /// out = log softmax(logits / temperature), row by row.
    ///
    /// - Parameters:
    ///   - logits: [M, V].
    ///   - width: V.
    ///   - temperature: above 0.
    ///   - out: [M, V]; may be `logits`.
    public static func logProbabilities(
        _ logits: FloatSlice, width: Int, temperature: Float = 1, into out: FloatSlice
    ) {
        let rows = Bias.rows(of: logits, width: width)
        precondition(out.count == logits.count, "Softmax: sizes differ")
        unsafe crux_log_softmax(rows, width, 1 / temperature, logits.base, out.base)
    }

    /// The cross-entropy of each row with its target, and its gradient.
    ///
    /// - Parameters:
    ///   - logits: [M, V].
    ///   - targets: [M]; -1 leaves the row out: loss 0 and gradient 0.
    ///   - scale: factor of the gradient.
    ///   - losses: −log softmax(logits)[target], [M].
    ///   - gradient: scale · (softmax − one-hot), [M, V]; may be `logits`; nil where only losses are wanted.
    public static func crossEntropy(
        _ logits: FloatSlice, targets: Span<Int32>, scale: Float, losses: FloatSlice, gradient: FloatSlice?
    ) {
        precondition(losses.count == targets.count, "Softmax: as many losses as targets")
        guard targets.count > 0 else { return }
        let width = logits.count / targets.count
        precondition(width > 0 && logits.count == targets.count * width, "Softmax: sizes differ")
        precondition((gradient?.count ?? logits.count) == logits.count, "Softmax: gradient of another size")
        for index in targets.indices {
            precondition(targets[index] >= -1 && Int(targets[index]) < width, "target outside of the vocabulary")
        }
        unsafe targets.withUnsafeBufferPointer { targets in
            unsafe crux_cross_entropy(
                targets.count, width, logits.base, targets.baseAddress, scale, losses.base, gradient?.base)
        }
    }
}
