public import Codecs
public import SystemPackage

/// What a save has written.
public struct CheckpointSummary: Hashable, Sendable {
    /// The file.
    public let path: FilePath
    /// The file's size.
    public let byteCount: Int
    /// The size of the tensors' content.
    public let contentByteCount: Int
    /// The number of tensors.
    public let tensorCount: Int
    /// The root of the file's hash tree.
    public let fileDigest: Digest128
    /// The digest of the tensors with the role weight: names the model, whatever file it is in.
    public let weightsDigest: Digest128
}
