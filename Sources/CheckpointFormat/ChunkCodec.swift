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

    /// The name that tools print.
    public var description: String {
        switch self {
        case .raw: "raw"
        case .constant: "constant"
        case .zstd: "zstd"
        case .planes(_, isRotated: true): "rotated planes + zstd"
        case .planes(_, isRotated: false): "planes + zstd"
        }
    }

    /// The four bytes that stand for the codec in a chunk table: id, width, rotation, zero.
    var code: [UInt8] {
        switch self {
        case .raw: [0, 0, 0, 0]
        case .constant: [1, 0, 0, 0]
        case .zstd: [2, 0, 0, 0]
        case .planes(let width, let isRotated): [3, UInt8(width), isRotated ? 1 : 0, 0]
        }
    }

    /// The codec of four bytes from a file, or nil for one that is not assigned.
    init?(code: [UInt8]) {
        switch (code[0], code[1], code[2], code[3]) {
        case (0, 0, 0, 0): self = .raw
        case (1, 0, 0, 0): self = .constant
        case (2, 0, 0, 0): self = .zstd
        case (3, 2, 0...1, 0), (3, 4, 0...1, 0), (3, 8, 0...1, 0):
            self = .planes(width: Int(code[1]), isRotated: code[2] == 1)
        default: return nil
        }
    }

    /// The largest pattern of a constant chunk in bytes.
    static let maximumPatternByteCount = 256
}
