import CheckpointFormat
import TensorCore

extension CheckpointWriter {
    /// Appends a tensor whose bytes are in an array.
    func append(_ tensor: TensorDescription, _ bytes: [UInt8]) throws(CheckpointError) {
        let span = unsafe bytes.span.bytes
        try append(tensor, bytes: span)
    }
}
