internal import Kernels
internal import TensorCore

/// How a forward pass computes its linear layers.
struct LinearExecution: Sendable {
    /// Products with fewer rows than this wait for memory, not for arithmetic, and gain nothing from transposing.
    static let rowsForTransposedWeights = 16

    /// The workers that share each layer; nil where the calling thread does everything.
    var pool: WorkerPool?
    /// The weights of linear layers transposed, [in, out], each where the layout has the original; other ranges are
    /// zero. Worth its memory where products of few rows with the same weights are many.
    var transposedWeights: FloatSlice?
}

extension GPT {
    /// The transposed weights of all linear layers.
    func transposedLinearWeights(_ parameters: FloatSlice, pool: WorkerPool) -> FloatSlice {
        let transposed = FloatArena(count: layout.count).all
        let entries = layout.entries.filter { $0.name.hasPrefix("h.") && $0.shape.rank == 2 }
        pool.run(taskCount: entries.count) { index, _ in
            let entry = entries[index]
            Matmul.transpose(
                parameters[entry.range], rows: entry.shape.dimensions[0], into: transposed[entry.range])
        }
        return transposed
    }
}
