/// The checksum of zip and gzip: CRC-32 with the polynomial 0xEDB88320, reflected.
struct CRC32: Hashable, Sendable {
    private var state: UInt32 = .max

    /// The checksum of the bytes so far.
    var value: UInt32 { ~state }

    /// Adds bytes, eight at a time.
    mutating func update(_ bytes: RawSpan) {
        var crc = state
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe Self.tables.withUnsafeBufferPointer { tables in
                var index = 0
                while index + 8 <= bytes.count {
                    let word = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                    let mixed = word ^ UInt64(crc)
                    crc = 0
                    for byte in 0..<8 {
                        crc ^= unsafe tables[(7 - byte) << 8 | Int(mixed >> UInt64(8 * byte) & 0xFF)]
                    }
                    index += 8
                }
                while index < bytes.count {
                    let byte = unsafe UInt8(truncatingIfNeeded: crc) ^ bytes[index]
                    crc = unsafe (crc >> 8) ^ tables[Int(byte)]
                    index += 1
                }
            }
        }
        state = crc
    }

    /// Table k gives what a byte becomes k bytes later.
    private static let tables: [UInt32] = {
        var tables: [UInt32] = []
        for byte in UInt32(0)..<256 {
            var crc = byte
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB8_8320 }
            tables.append(crc)
        }
        for index in 256..<2048 {
            let before = tables[index - 256]
            tables.append((before >> 8) ^ tables[Int(before & 0xFF)])
        }
        return tables
    }()
}
