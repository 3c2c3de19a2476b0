internal import Kernels

extension Workspace {
    /// The first activation of the last forward pass, in the order of the computation, that holds an infinity or a
    /// NaN, in words; nil where all are numbers.
    ///
    /// Call before the backward pass, which may use the same memory; of a workspace made for training.
    public var firstNotFinite: String? {
        guard isForTraining else { return nil }
        func isBroken(_ slice: FloatSlice) -> Bool { !Reduction.sumOfSquares(slice).isFinite }
        for layer in 0..<configuration.layerCount {
            let block = block(layer)
            let activations = [
                ("the input of block h.\(layer)", block.input),
                ("the output of h.\(layer).attn.c_attn", block.queriesKeysValues),
                ("the attention of block h.\(layer)", block.attended),
                ("the output of h.\(layer).attn.c_proj", block.middle),
                ("the output of h.\(layer).mlp.c_fc", block.expanded),
            ]
            if let broken = activations.first(where: { isBroken($0.1) }) { return broken.0 }
        }
        if isBroken(hidden) { return "the output of ln_f" }
        return isBroken(logits) ? "the logits" : nil
    }
}
