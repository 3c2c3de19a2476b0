/// The numbers of the specification, version 1.
package enum Format {
    /// The version that this code writes, and the newest it reads.
    package static let version: UInt16 = 1
    /// Every section starts at a multiple of this many bytes; a cache line, and enough for any SIMD load.
    package static let alignment = 64
    /// The size of the header, of a section's header and of the trailer.
    package static let blockByteCount = 64
    /// A high bit (7-bit transfers lose it), the name, CR LF and LF (text mode changes them), end of text.
    package static let headerMagic: [UInt8] = [0x89, 0x43, 0x52, 0x58, 0x0D, 0x0A, 0x1A, 0x0A]
    /// Marks each section, so that a file without its index can be searched for them.
    package static let sectionMagic: [UInt8] = [0x8B, 0x63, 0x72, 0x78, 0x0D, 0x0A, 0x1A, 0x0A]
    /// Opens the trailer.
    package static let trailerMagic: [UInt8] = [0x8D, 0x58, 0x52, 0x43, 0x0D, 0x0A, 0x1A, 0x0A]
    /// Closes the trailer: the last eight bytes of a file.
    package static let endMagic: [UInt8] = [0x8F, 0x78, 0x72, 0x63, 0x0D, 0x0A, 0x1A, 0x0A]
    /// The content bytes that one leaf of a tensor's digest covers.
    package static let leafByteCount = 1 << 20
    /// The allowed sizes of a chunk; a multiple of the alignment.
    package static let chunkByteCounts = 64...(1 << 24)
    /// The largest rank of a tensor.
    package static let maximumRank = 64
    /// The largest tensor name in bytes of UTF-8.
    package static let maximumNameByteCount = 65_535
    /// The most bases that lie behind one another.
    package static let maximumBaseDepth = 16
    /// The longest hint where a base lies, in bytes of UTF-8.
    package static let maximumHintByteCount = 4096
    /// The longest name of a shard, in bytes of UTF-8.
    package static let maximumShardNameByteCount = 255
    /// How deep arrays may lie in arrays in metadata.
    package static let maximumArrayDepth = 8
}

/// Required features: a reader that does not know one refuses the file by the feature's name.
public struct CheckpointFeatures: OptionSet, Hashable, Sendable, CustomStringConvertible {
    /// The bits as the header stores them.
    public let rawValue: UInt64

    /// Takes the bits as the header stores them.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Chunks are stored as differences from another checkpoint.
    public static let deltas = CheckpointFeatures(rawValue: 1 << 0)
    /// Tensors lie in other files that this one lists.
    public static let shards = CheckpointFeatures(rawValue: 1 << 1)

    /// The required features that this code can read.
    package static let readable: CheckpointFeatures = [.deltas, .shards]

    /// The names of the features, unknown ones as `bit n`.
    public var description: String {
        (0..<64).filter { rawValue & (1 << UInt64($0)) != 0 }.map { bit in
            switch bit {
            case 0: "deltas"
            case 1: "shards"
            default: "bit \(bit)"
            }
        }.joined(separator: ", ")
    }
}
