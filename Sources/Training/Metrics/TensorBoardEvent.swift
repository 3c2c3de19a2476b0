/// TensorBoard's records, byte for byte.
package enum TensorBoardEvent {
    /// The first event of a file: `Event { wall_time = 1, file_version = 3 }`.
    package static func fileVersion(time: Double) -> [UInt8] {
        field(1, time.bitPattern) + field(3, bytes: Array("brain.Event:2".utf8))
    }

    /// A step's figures: `Event { wall_time = 1, step = 2, summary = 5 }`, where `Summary { repeated value = 1 }` and
    /// `Value { tag = 1, simple_value = 2 }`.
    package static func scalars(_ record: MetricsRecord, time: Double) -> [UInt8] {
        let summary = record.figures.flatMap { figure in
            field(1, bytes: field(1, bytes: Array(figure.name.utf8)) + field(2, Float(figure.value).bitPattern))
        }
        return field(1, time.bitPattern) + field(2, varint: UInt64(clamping: record.step)) + field(5, bytes: summary)
    }

    /// A TFRecord with this content.
    package static func record(_ content: [UInt8]) -> [UInt8] {
        let length = littleEndian(UInt64(content.count))
        return length + littleEndian(maskedChecksum(length)) + content + littleEndian(maskedChecksum(content))
    }

    /// CRC-32C, rotated and offset as TFRecord wants it, so that a checksum of checksums stays one.
    package static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
        let checksum = checksum(bytes)
        return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
    }

    /// CRC-32C (Castagnoli): reflected polynomial 0x82F63B78.
    package static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    }

    // Protobuf's wire format: a field's key is its number and a wire type.

    private static func field(_ number: UInt64, _ value: UInt64) -> [UInt8] {
        varint(number << 3 | 1) + littleEndian(value)
    }

    private static func field(_ number: UInt64, _ value: UInt32) -> [UInt8] {
        varint(number << 3 | 5) + littleEndian(value)
    }

    private static func field(_ number: UInt64, varint value: UInt64) -> [UInt8] {
        varint(number << 3) + varint(value)
    }

    private static func field(_ number: UInt64, bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (bytes, rest): ([UInt8], UInt64) = ([], value)
        while rest > 127 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func littleEndian<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
        (0..<MemoryLayout<Word>.size).map { UInt8(truncatingIfNeeded: word >> Word(8 * $0)) }
    }
}
