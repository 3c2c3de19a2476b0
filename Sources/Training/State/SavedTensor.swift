import Kernels
import TensorCore

/// A tensor of a training state as its checkpoint holds it.
struct SavedTensor {
    /// Its name, type (F32 or BF16), shape and role.
    let description: TensorDescription
    /// What training has.
    let values: FloatSlice

    /// An element as it is stored.
    func stored(_ index: Int) -> Float {
        description.dtype == .bf16 ? Float(BFloat16(values[index])) : values[index]
    }

    /// The content: little-endian, row-major.
    func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        guard description.dtype == .bf16 else { return try values.withBytes(body) }
        let words = values.withSpan { values in
            values.indices.map { BFloat16(values[$0]).bitPattern.littleEndian }
        }
        return try body(unsafe words.span.bytes)
    }
}
