public import Codecs
public import TensorCore

/// Digests of content, independent of any file format.
public enum ContentDigest {
    /// The digest of a tensor: type, shape and little-endian row-major bytes.
    ///
    /// The bytes are hashed in leaves of 1 MiB, and the leaves' hashes together with type and shape, so that
    /// leaves can be hashed in parallel.
    public static func tensor(dtype: DType, shape: Shape, bytes: RawSpan) -> Digest128 {
        var digester = TensorDigester()
        digester.update(bytes)
        return digester.finalize(dtype: dtype, shape: shape)
    }

    /// The digest of a set of tensors: of their names and digests, whatever their order.
    ///
    /// Of a model, give the tensors with the role `TensorRole.weight`.
    public static func weights(of tensors: some Sequence<(name: String, digest: Digest128)>) -> Digest128 {
        let sorted = tensors.sorted { left, right in
            left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        var encoder = ByteEncoder()
        encoder.raw("CRUXWTS1".utf8)
        encoder.integer(UInt64(sorted.count))
        for (name, digest) in sorted {
            encoder.countedString(name)
            encoder.digest(digest)
        }
        return XXH3.hash128(encoder.bytes)
    }

    /// The root over the leaves of one tensor.
    package static func tensor(dtype: DType, shape: Shape, byteCount: Int, leaves: [Digest128]) -> Digest128 {
        var encoder = ByteEncoder()
        encoder.raw("CRUXTNS1".utf8)
        encoder.countedString(dtype.rawValue)
        encoder.integer(UInt64(shape.rank))
        for size in shape.dimensions { encoder.integer(UInt64(size)) }
        encoder.integer(UInt64(byteCount))
        for leaf in leaves { encoder.digest(leaf) }
        return XXH3.hash128(encoder.bytes)
    }
}

/// A tensor's digest of bytes that arrive in pieces of any size.
public struct TensorDigester: ~Copyable {
    private var leaves: [Digest128] = []
    private var leaf = XXH3Hasher128()
    /// The bytes in the leaf that is not yet full.
    private var leafByteCount = 0
    private var byteCount = 0

    /// Starts with no bytes.
    public init() {}

    /// Adds bytes.
    public mutating func update(_ bytes: RawSpan) {
        var offset = 0
        while offset < bytes.byteCount {
            let count = min(Format.leafByteCount - leafByteCount, bytes.byteCount - offset)
            let piece = bytes.extracting(offset..<offset + count)
            offset += count
            if count == Format.leafByteCount {
                leaves.append(XXH3.hash128(piece))
                continue
            }
            leaf.update(piece)
            leafByteCount += count
            if leafByteCount == Format.leafByteCount { closeLeaf() }
        }
        byteCount += bytes.byteCount
    }

    /// The digest of all bytes as a tensor of this type and shape; the digester is empty afterwards.
    public mutating func finalize(dtype: DType, shape: Shape) -> Digest128 {
        if leafByteCount > 0 { closeLeaf() }
        defer {
            leaves = []
            byteCount = 0
        }
        return ContentDigest.tensor(dtype: dtype, shape: shape, byteCount: byteCount, leaves: leaves)
    }

    private mutating func closeLeaf() {
        leaves.append(leaf.finalize())
        leaf = XXH3Hasher128()
        leafByteCount = 0
    }
}
