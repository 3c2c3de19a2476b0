internal import Analysis
internal import Codecs
internal import Rendering
internal import TensorCore

extension Inspection {
    /// The tensors as a table for programs; the columns of figures are empty where none were computed.
    var plainTable: String {
        PlainTable(
            columns: [
                "name", "dtype", "shape", "role", "elements", "content_bytes", "stored_bytes", "chunks", "codecs",
                "digest", "min", "max", "mean", "sd", "norm", "zeros", "nan", "inf",
            ],
            rows: tensors.map { tensor in
                let figures = tensor.statistics
                return [
                    .init(tensor.name), .init(tensor.dtype.rawValue), .init(tensor.shape), .init(tensor.role),
                    .init(tensor.elementCount), .init(tensor.contentByteCount), .init(tensor.storedByteCount),
                    .init(tensor.chunkCount), .init(tensor.codecs.joined(separator: "+")), .init(tensor.digest?.hex),
                    .init(figures?.minimum), .init(figures?.maximum), .init(figures?.mean),
                    .init(figures?.standardDeviation), .init(figures?.norm), .init(figures?.zeroCount),
                    .init(figures?.nanCount), .init(figures?.infinityCount),
                ]
            }
        ).text
    }
}
