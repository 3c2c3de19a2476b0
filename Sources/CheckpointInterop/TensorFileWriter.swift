public import CheckpointFormat
public import TensorCore

/// Writes a checkpoint whose tensors are all described at the start; their bytes follow.
///
/// The file appears under its name only when it is complete. Without ``finish()`` nothing is left behind and the
/// target stays as it was.
public protocol TensorFileWriter: AnyObject {
    /// The tensors in the order in which their bytes have to come.
    var tensors: [TensorDescription] { get }
    /// Adds the next bytes of the tensors, in pieces of any size.
    ///
    /// - Throws: ``CheckpointError`` where there are more than the tensors have, or the file cannot be written.
    func write(_ bytes: RawSpan) throws(CheckpointError)
    /// Makes the file durable and gives it its name.
    ///
    /// - Throws: ``CheckpointError`` where bytes are missing, or the file cannot be written.
    func finish() throws(CheckpointError)
}

extension TensorFileWriter {
    /// Adds the next bytes of the tensors, as ``write(_:)-(RawSpan)``.
    public func write(_ bytes: [UInt8]) throws(CheckpointError) { try unsafe write(bytes.span.bytes) }
}
