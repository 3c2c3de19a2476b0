internal import CKernels

/// A linear layer's weight, [N, K], rearranged for many products x · weightᵀ: panels of 16 outputs, each [K, 16].
///
/// Each element of a product is the same chain of operations whatever the number of rows is, so a row's result
/// depends neither on the rows beside it nor on how the columns are shared out.
public struct PackedMatrix: Sendable {
    /// N.
    public let outputCount: Int
    /// K.
    public let inputCount: Int
    private let panels: FloatSlice

    private var panelStride: Int { Panels.stride(inputCount) }

    /// Panels that a worker takes at a time where several share a product.
    private static let panelsPerPiece = 12

    /// The floats that a packed matrix takes; the last panel is filled up.
    public static func floatCount(outputCount: Int, inputCount: Int) -> Int {
        Panels.wholeColumns(outputCount) * inputCount
    }

    /// A matrix whose panels lie in `storage`, of ``floatCount(outputCount:inputCount:)`` floats; call
    /// ``pack(_:)`` before products.
    public init(outputCount: Int, inputCount: Int, storage: FloatSlice) {
        precondition(outputCount > 0 && inputCount > 0, "PackedMatrix: an empty weight")
        precondition(
            storage.count == Self.floatCount(outputCount: outputCount, inputCount: inputCount),
            "PackedMatrix: storage of another size")
        self.outputCount = outputCount
        self.inputCount = inputCount
        panels = storage
    }

    /// Takes over the values of a weight, [N, K].
    public func pack(_ weight: FloatSlice) {
        precondition(weight.count == outputCount * inputCount, "PackedMatrix: a weight of another size")
        unsafe crux_pack(outputCount, inputCount, weight.base, inputCount, panels.base)
    }

    /// out = input · weightᵀ [+ bias].
    ///
    /// - Parameters:
    ///   - input: [M, K].
    ///   - bias: [N] or nil.
    ///   - out: [M, N].
    ///   - pool: workers to share the columns; nil for the calling thread alone. It must not be running the task
    ///     that calls this.
    public func multiply(_ input: FloatSlice, addingBias bias: FloatSlice?, into out: FloatSlice, pool: WorkerPool?) {
        let rows = Bias.rows(of: input, width: inputCount)
        precondition(out.count == rows * outputCount, "PackedMatrix: sizes differ")
        precondition((bias?.count ?? outputCount) == outputCount, "PackedMatrix: bias of another width")
        guard let pool, pool.workerCount > 1 else {
            unsafe crux_multiply_packed(
                rows, outputCount, inputCount, input.base, inputCount, panels.base, panelStride, bias?.base, out.base,
                outputCount)
            return
        }
        let pieceSize = Self.panelsPerPiece * Panels.width
        pool.run(taskCount: (outputCount + pieceSize - 1) / pieceSize) { piece, _ in
            let first = piece * pieceSize
            let panels = unsafe panels.base + first * inputCount
            let bias = unsafe bias.map { unsafe $0.base + first }
            unsafe crux_multiply_packed(
                rows, min(pieceSize, outputCount - first), inputCount, input.base, inputCount, panels,
                panelStride, bias, out.base + first, outputCount)
        }
    }
}
