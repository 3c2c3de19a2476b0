/// How a chunk's bytes are stored.
public enum ChunkCodec: Hashable, Sendable, CustomStringConvertible {
    /// As they are.
    case raw
    /// One pattern that repeats.
    case constant
    /// One zstd frame.
    case zstd
    /// One zstd frame of byte planes: words of `width` bytes, rotated left by one bit first or not.
    case planes(width: Int, isRotated: Bool)
    /// The base's content; nothing is stored.
    case same
    /// One zstd frame of byte planes: differences of bit patterns from the base's words of `width` bytes.
    case difference(width: Int)
    /// One zstd frame: which words differ from the base's, and byte planes of these differences.
    case sparseDifference(width: Int)

    /// Whether the chunk's content is that of the base, changed or not.
    public var needsBase: Bool {
        switch self {
        case .raw, .constant, .zstd, .planes: false
        case .same, .difference, .sparseDifference: true
        }
    }

    /// The name that tools print.
    public var description: String {
        switch self {
        case .raw: "raw"
        case .constant: "constant"
        case .zstd: "zstd"
        case .planes(_, isRotated: true): "rotated planes + zstd"
        case .planes(_, isRotated: false): "planes + zstd"
        case .same: "same as base"
        case .difference: "difference + zstd"
        case .sparseDifference: "sparse difference + zstd"
        }
    }

    /// The four bytes that stand for the codec in a chunk table: id, width, rotation, zero; see the specification.
    var code: [UInt8] {
        switch self {
        case .raw: [0, 0, 0, 0]
        case .constant: [1, 0, 0, 0]
        case .zstd: [2, 0, 0, 0]
        case .planes(let width, let isRotated): [3, UInt8(width), isRotated ? 1 : 0, 0]
        case .same: [16, 0, 0, 0]
        case .difference(let width): [17, UInt8(width), 0, 0]
        case .sparseDifference(let width): [18, UInt8(width), 0, 0]
        }
    }

    /// The codec of four bytes from a file, as a little-endian number, or nil for one that is not assigned.
    init?(code: UInt32) {
        let (id, width, rotation, last) = (
            UInt8(truncatingIfNeeded: code), UInt8(truncatingIfNeeded: code >> 8),
            UInt8(truncatingIfNeeded: code >> 16), UInt8(truncatingIfNeeded: code >> 24)
        )
        switch (id, width, rotation, last) {
        case (0, 0, 0, 0): self = .raw
        case (1, 0, 0, 0): self = .constant
        case (2, 0, 0, 0): self = .zstd
        case (3, 2, 0...1, 0), (3, 4, 0...1, 0), (3, 8, 0...1, 0):
            self = .planes(width: Int(width), isRotated: rotation == 1)
        case (16, 0, 0, 0): self = .same
        case (17, 1, 0, 0), (17, 2, 0, 0), (17, 4, 0, 0), (17, 8, 0, 0): self = .difference(width: Int(width))
        case (18, 1, 0, 0), (18, 2, 0, 0), (18, 4, 0, 0), (18, 8, 0, 0): self = .sparseDifference(width: Int(width))
        default: return nil
        }
    }

    /// The size of the words that the content must be made of.
    var wordByteCount: Int {
        switch self {
        case .raw, .constant, .zstd, .same: 1
        case .planes(let width, _), .difference(let width), .sparseDifference(let width): width
        }
    }

    /// The largest pattern of a constant chunk in bytes.
    static let maximumPatternByteCount = 256
}
