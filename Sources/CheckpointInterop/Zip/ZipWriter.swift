internal import CheckpointFormat

/// Writes a zip archive of stored members in one pass (with zip64 records, so that any size fits).
///
/// A member's checksum follows its content, as nothing that was written is written again.
final class ZipWriter {
    private let file: OutputFile
    private var members: [Member] = []
    private var checksum = CRC32()

    private struct Member {
        let name: [UInt8]
        let byteCount: Int
        let headerOffset: Int
        var crc32: UInt32 = 0
    }

    /// Stored, with sizes that follow the content (bit 3) and names in UTF-8 (bit 11).
    private static let flags: UInt16 = 1 << 3 | 1 << 11
    private static let version: UInt16 = 45
    /// The first day that zip can name; an archive of the same content has the same bytes.
    private static let date: UInt16 = 1 << 5 | 1

    init(_ file: OutputFile) { self.file = file }

    /// Begins a member; its content follows in calls of ``write(_:)``.
    func begin(_ name: String, byteCount: Int) throws(CheckpointError) {
        let member = Member(name: Array(name.utf8), byteCount: byteCount, headerOffset: file.byteCount)
        var header = ByteEncoder()
        header.integer(0x0403_4B50 as UInt32)
        header.integer(Self.version)
        header.integer(Self.flags)
        header.integer(0 as UInt16)
        header.integer(0 as UInt16)
        header.integer(Self.date)
        header.integer(0 as UInt32)
        header.integer(UInt32.max)
        header.integer(UInt32.max)
        header.integer(UInt16(clamping: member.name.count))
        header.integer(20 as UInt16)
        header.raw(member.name)
        header.integer(1 as UInt16)
        header.integer(16 as UInt16)
        header.integer(UInt64(byteCount))
        header.integer(UInt64(byteCount))
        try file.write(header.bytes)
        members.append(member)
        checksum = CRC32()
    }

    /// Adds content to the member.
    func write(_ bytes: RawSpan) throws(CheckpointError) {
        checksum.update(bytes)
        try file.write(bytes)
    }

    /// Ends the member.
    func end() throws(CheckpointError) {
        let index = members.count - 1
        members[index].crc32 = checksum.value
        var descriptor = ByteEncoder()
        descriptor.integer(0x0807_4B50 as UInt32)
        descriptor.integer(checksum.value)
        descriptor.integer(UInt64(members[index].byteCount))
        descriptor.integer(UInt64(members[index].byteCount))
        try file.write(descriptor.bytes)
    }

    /// Writes the directory and gives the file its name.
    func finish() throws(CheckpointError) {
        let start = file.byteCount
        for member in members { try file.write(Self.directoryEntry(member)) }
        let size = file.byteCount - start
        let isLong = members.count >= Int(UInt16.max) || file.byteCount >= Int(UInt32.max)
        var end = ByteEncoder()
        if isLong {
            end.integer(0x0606_4B50 as UInt32)
            end.integer(44 as UInt64)
            end.integer(Self.version)
            end.integer(Self.version)
            end.integer(0 as UInt64)
            end.integer(UInt64(members.count))
            end.integer(UInt64(members.count))
            end.integer(UInt64(size))
            end.integer(UInt64(start))
            end.integer(0x0706_4B50 as UInt32)
            end.integer(0 as UInt32)
            end.integer(UInt64(start + size))
            end.integer(1 as UInt32)
        }
        end.integer(0x0605_4B50 as UInt32)
        end.integer(0 as UInt32)
        end.integer(isLong ? .max : UInt16(members.count))
        end.integer(isLong ? .max : UInt16(members.count))
        end.integer(isLong ? .max : UInt32(size))
        end.integer(isLong ? .max : UInt32(start))
        end.integer(0 as UInt16)
        try file.write(end.bytes)
        try file.finish()
    }

    private static func directoryEntry(_ member: Member) -> [UInt8] {
        let isLong = member.byteCount >= Int(UInt32.max) || member.headerOffset >= Int(UInt32.max)
        var entry = ByteEncoder()
        entry.integer(0x0201_4B50 as UInt32)
        entry.integer(version)
        entry.integer(version)
        entry.integer(flags)
        entry.integer(0 as UInt16)
        entry.integer(0 as UInt16)
        entry.integer(date)
        entry.integer(member.crc32)
        entry.integer(isLong ? .max : UInt32(member.byteCount))
        entry.integer(isLong ? .max : UInt32(member.byteCount))
        entry.integer(UInt16(clamping: member.name.count))
        entry.integer((isLong ? 28 : 0) as UInt16)
        entry.integer(0 as UInt64)
        entry.integer(0 as UInt16)
        entry.integer(isLong ? .max : UInt32(member.headerOffset))
        entry.raw(member.name)
        if isLong {
            entry.integer(1 as UInt16)
            entry.integer(24 as UInt16)
            entry.integer(UInt64(member.byteCount))
            entry.integer(UInt64(member.byteCount))
            entry.integer(UInt64(member.headerOffset))
        }
        return entry.bytes
    }
}
