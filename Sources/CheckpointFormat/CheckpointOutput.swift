package import TensorCore

/// What a checkpoint is written to, tensor by tensor: one file, or several.
package protocol CheckpointOutput: AnyObject {
    /// Sets a metadata value.
    func setMetadata(_ key: String, _ value: MetadataValue)
    /// Begins a tensor.
    func beginTensor(_ description: TensorDescription) throws(CheckpointError)
    /// Adds content to it.
    func write(_ bytes: RawSpan) throws(CheckpointError)
    /// Ends it.
    func endTensor() throws(CheckpointError)
    /// Makes the checkpoint complete and shows it.
    @discardableResult
    func finish() throws(CheckpointError) -> CheckpointSummary
}

extension CheckpointWriter: CheckpointOutput {}
extension ShardedCheckpointWriter: CheckpointOutput {}
