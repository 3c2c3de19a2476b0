package import Codecs

/// Appends little-endian values to bytes.
package struct ByteEncoder {
    /// What was appended so far.
    package private(set) var bytes: [UInt8] = []

    /// Starts with no bytes.
    package init() {}

    /// A number of any width.
    package mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }

    /// Bytes as they are.
    package mutating func raw(_ content: some Sequence<UInt8>) { bytes.append(contentsOf: content) }

    /// A digest of 16 bytes.
    package mutating func digest(_ digest: Digest128) { raw(digest.bytes) }

    /// A 64-bit count of bytes, then the bytes.
    package mutating func countedString(_ text: String) {
        integer(UInt64(text.utf8.count))
        raw(text.utf8)
    }

    /// So many zeros.
    package mutating func zeros(_ count: Int) { bytes.append(contentsOf: repeatElement(0, count: count)) }

    /// Zeros up to the next multiple.
    package mutating func pad(to alignment: Int) { zeros(bytes.count.paddingCount(to: alignment)) }
}

extension Int {
    /// How many bytes are missing to the next multiple.
    package func paddingCount(to alignment: Int) -> Int {
        let rest = self % alignment
        return rest == 0 ? 0 : alignment - rest
    }
}
