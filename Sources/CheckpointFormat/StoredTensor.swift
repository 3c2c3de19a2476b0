public import Codecs
public import TensorCore

/// A tensor in a checkpoint file: what it is and where its chunks lie.
public struct StoredTensor: Hashable, Sendable {
    /// Name, type, shape and role.
    public let description: TensorDescription
    /// The digest of the content: the same for any codec, chunking or file format.
    public let digest: Digest128
    /// The content bytes of every chunk but the last.
    public let chunkByteCount: Int
    /// The chunks in the order of the content.
    public let chunks: [StoredChunk]
    /// The digest of the base tensor that delta codecs refer to; nil without one.
    public let baseDigest: Digest128?
    /// The whole record in the file: head, chunks, chunk table, padding.
    public let recordRange: Range<Int>
    /// The chunks in the file, without padding. Starts at a multiple of 64.
    public let byteRange: Range<Int>

    /// The tensor's name.
    public var name: String { description.name }
    /// The size of the chunks in the file.
    public var storedByteCount: Int { byteRange.count }
    /// The names of the codecs in use, each once, in the order of their first chunk.
    public var codecNames: [String] {
        var names: [String] = []
        for chunk in chunks where names.last != chunk.codec.description {
            let name = chunk.codec.description
            if !names.contains(name) { names.append(name) }
        }
        return names
    }
    /// Whether the content lies in the file as it is, in one aligned piece that can be mapped.
    public var isContiguous: Bool { chunks.allSatisfy { $0.codec == .raw } }
}

/// A piece of a tensor that is encoded and checked by itself.
public struct StoredChunk: Hashable, Sendable {
    /// The number within the tensor, from 0.
    public let index: Int
    /// How the bytes are stored.
    public let codec: ChunkCodec
    /// The stored bytes' place in the file.
    public let byteRange: Range<Int>
    /// The content's place in the tensor.
    public let contentRange: Range<Int>
    /// The digest of the stored bytes.
    public let storedDigest: Digest128
    /// The digest of the content.
    public let contentDigest: Digest128
}
