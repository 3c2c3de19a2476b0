/// Why bytes could not be compressed or decompressed with zstd.
public enum ZstdError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The library refused, with its own words.
    case library(String)
    /// The bytes are not exactly one frame.
    case notOneFrame
    /// The frame's content has another size than expected, or declares none.
    case wrongContentSize(found: UInt64?, expected: Int)
    /// The frame needs a dictionary.
    case needsDictionary

    /// One line in lower case, without the place.
    public var description: String {
        switch self {
        case .library(let message): "zstd: \(message)"
        case .notOneFrame: "the bytes are not exactly one zstd frame"
        case .wrongContentSize(let found, let expected):
            "the zstd frame declares \(found.map { "\($0) bytes" } ?? "no size"), expected \(expected) bytes"
        case .needsDictionary: "the zstd frame needs a dictionary"
        }
    }
}
