/// A 128-bit XXH3 digest. It finds damage; it does not resist someone who tampers on purpose.
public struct Digest128: Hashable, Sendable, CustomStringConvertible {
    /// The upper half of the number.
    public let high: UInt64
    /// The lower half of the number.
    public let low: UInt64

    /// All bits zero; files use it for "none".
    public static let zero = Digest128(high: 0, low: 0)

    /// Makes a digest from its two halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes a digest from its 16 bytes in canonical order (most significant first); nil for another count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.enumerated() {
            if index < 8 {
                halves.0 = halves.0 << 8 | UInt64(byte)
            } else {
                halves.1 = halves.1 << 8 | UInt64(byte)
            }
        }
        self.init(high: halves.0, low: halves.1)
    }

    /// Makes a digest from 32 hexadecimal digits, as ``hex`` prints them; nil for anything else.
    public init?(hex: String) {
        let digits = Array(hex.utf8)
        guard digits.count == 32, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
            let high = UInt64(String(decoding: digits[..<16], as: UTF8.self), radix: 16),
            let low = UInt64(String(decoding: digits[16...], as: UTF8.self), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// The 16 bytes in canonical order, most significant first.
    public var bytes: [UInt8] {
        [high, low].flatMap { half in
            (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * UInt64($0))) }
        }
    }

    /// 32 lower-case hexadecimal digits, as `xxhsum -H2` prints them.
    public var hex: String {
        [high, low].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// The same as ``hex``.
    public var description: String { hex }
}

extension Digest128: Codable {
    /// Reads the hexadecimal string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest128(hex: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a digest is 32 hexadecimal digits, not '\(text)'")
        }
        self = digest
    }

    /// Writes the hexadecimal string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
