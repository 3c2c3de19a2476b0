public import CheckpointFormat
public import SystemPackage

/// The members of a zip archive (PKWARE's APPNOTE 6.3, with zip64), checked against each other before any is read.
///
/// The central directory says what there is. Each member's local header must agree with it, no two members may share
/// bytes, and none may claim to unpack to more than its bytes can.
public struct ZipDirectory: Sendable {
    /// One file in the archive.
    public struct Member: Hashable, Sendable {
        /// The name, with `/` between folders.
        public let name: String
        /// The bytes of the archive that hold the content, packed or not.
        public let range: Range<Int>
        /// The size of the content in bytes.
        public let byteCount: Int
        /// Whether the content is packed (method 8); otherwise it is stored as it is.
        public let isDeflated: Bool
        /// The checksum of the content.
        public let crc32: UInt32
    }

    /// The files in the order of the central directory; folders are left out.
    public let members: [Member]

    /// Reads an archive that is in memory: the entry point for fuzzing.
    ///
    /// - Parameters:
    ///   - bytes: The whole archive.
    ///   - path: Its name for messages.
    /// - Throws: ``CheckpointError`` naming the rule that is broken and where.
    public init(parsing bytes: [UInt8], path: FilePath) throws(CheckpointError) {
        try self.init(path: path, byteCount: bytes.count) { range throws(CheckpointError) in Array(bytes[range]) }
    }

    /// Reads an archive's directory; nothing of the members' content.
    init(of file: InputFile) throws(CheckpointError) {
        try self.init(path: file.path, byteCount: file.byteCount) { range throws(CheckpointError) in
            try file.read(range)
        }
    }

    private typealias Read = (Range<Int>) throws(CheckpointError) -> [UInt8]

    private init(path: FilePath, byteCount: Int, read: Read) throws(CheckpointError) {
        let end = try EndRecord(path: path, byteCount: byteCount, read: read)
        var decoder = ByteDecoder(
            try read(end.directory), path: path, place: CheckpointPlace(section: "zip directory"),
            fileOffset: end.directory.lowerBound)
        var entries: [Entry] = []
        var names: Set<[UInt8]> = []
        for _ in 0..<end.memberCount {
            let start = decoder.position
            let entry = try Entry(&decoder)
            guard names.insert(Array(entry.name.utf8)).inserted else {
                throw decoder.failure(field: "name", from: start, "the name '\(entry.name)' occurs twice")
            }
            entries.append(entry)
        }
        try decoder.finish()
        var members: [Member] = []
        var extents: [(name: String, range: Range<Int>)] = []
        for entry in entries {
            let dataStart = try entry.dataStart(path: path, limit: end.directory.lowerBound, read: read)
            let (dataEnd, overflow) = dataStart.addingReportingOverflow(entry.packedByteCount)
            guard !overflow, dataEnd <= end.directory.lowerBound else {
                throw CheckpointError(
                    .truncated, path: path, place: CheckpointPlace(section: "zip member '\(entry.name)'"),
                    problem: "the member does not end before the directory",
                    comparison: .values(
                        found: "\(entry.packedByteCount) bytes from byte \(dataStart)",
                        expected: "an end at byte \(end.directory.lowerBound) or before"))
            }
            extents.append((entry.name, entry.headerOffset..<dataEnd))
            guard !entry.name.hasSuffix("/") else { continue }
            members.append(
                Member(
                    name: entry.name, range: dataStart..<dataEnd, byteCount: entry.byteCount,
                    isDeflated: entry.isDeflated, crc32: entry.crc32))
        }
        extents.sort { $0.range.lowerBound < $1.range.lowerBound }
        for (first, second) in zip(extents, extents.dropFirst()) where first.range.upperBound > second.range.lowerBound
        {
            throw CheckpointError(
                .invalid, path: path,
                place: CheckpointPlace(section: "zip member '\(second.name)'", byteRange: second.range),
                problem: "shares bytes with '\(first.name)'",
                comparison: .values(
                    found: "a start at byte \(second.range.lowerBound)",
                    expected: "\(first.range.upperBound), where that ends, or later"))
        }
        self.members = members
    }
}

extension ZipDirectory {
    /// Where the central directory lies, from the records at the archive's end.
    private struct EndRecord {
        let directory: Range<Int>
        let memberCount: Int

        /// The record's size without its comment, and the longest comment.
        private static let (byteCount, commentLimit) = (22, 65_535)

        init(path: FilePath, byteCount: Int, read: Read) throws(CheckpointError) {
            let tailStart = max(0, byteCount - Self.byteCount - Self.commentLimit)
            let tail = try read(tailStart..<byteCount)
            let found = stride(from: tail.count - Self.byteCount, through: 0, by: -1).first { start in
                tail[start...].starts(with: [0x50, 0x4B, 5, 6])
                    && start + Self.byteCount + Int(tail[start + 20]) + Int(tail[start + 21]) << 8 == tail.count
            }
            guard let found else {
                throw CheckpointError(
                    .truncated, path: path, problem: "the zip archive has no end of its directory",
                    comparison: .values(found: "\(byteCount) bytes", expected: "'PK\\5\\6' near the end"))
            }
            let place = CheckpointPlace(section: "zip end record")
            var decoder = ByteDecoder(
                Array(tail[found..<found + Self.byteCount]), path: path, place: place, fileOffset: tailStart + found)
            try decoder.constant(0x0605_4B50 as UInt32, "signature")
            let disks: (UInt16, UInt16) = (try decoder.integer("disk"), try decoder.integer("disk of the directory"))
            var (here, count): (UInt64, UInt64) = (
                UInt64(try decoder.integer("members on this disk", as: UInt16.self)),
                UInt64(try decoder.integer("members", as: UInt16.self))
            )
            var size = UInt64(try decoder.integer("directory size", as: UInt32.self))
            var offset = UInt64(try decoder.integer("directory offset", as: UInt32.self))
            var end = tailStart + found
            var isSplit = disks.0 != 0 && disks.0 != .max || disks.1 != 0 && disks.1 != .max
            if found >= 20 || tailStart > 0, end >= 20,
                let zip64 = try Self.zip64(path: path, locator: end - 20, read: read)
            {
                (here, count, size, offset, end) = (zip64.here, zip64.count, zip64.size, zip64.offset, zip64.start)
                isSplit = isSplit || zip64.isSplit
            }
            guard !isSplit, here == count else {
                throw CheckpointError(
                    .unsupportedVersion, path: path, place: place, problem: "the archive is split over several files")
            }
            guard let size = Int(exactly: size), let offset = Int(exactly: offset), offset <= end,
                size <= end - offset
            else {
                throw CheckpointError(
                    .invalid, path: path, place: place, problem: "the directory does not lie before its end record",
                    comparison: .values(found: "\(size) bytes from byte \(offset)", expected: "an end before \(end)"))
            }
            // Each member takes 46 bytes or more there.
            guard count <= UInt64(size / 46) else {
                throw CheckpointError(
                    .invalid, path: path, place: place, problem: "more members than the directory can hold",
                    comparison: .values(found: "\(count)", expected: "at most \(size / 46)"))
            }
            directory = offset..<offset + size
            memberCount = Int(count)
        }

        private static func zip64(
            path: FilePath, locator: Int, read: Read
        ) throws(CheckpointError) -> (
            here: UInt64, count: UInt64, size: UInt64, offset: UInt64, start: Int, isSplit: Bool
        )? {
            let place = CheckpointPlace(section: "zip64 end record")
            var decoder = ByteDecoder(
                try read(locator..<locator + 20), path: path, place: place, fileOffset: locator)
            guard try decoder.integer("signature", as: UInt32.self) == 0x0706_4B50 else { return nil }
            let disk: UInt32 = try decoder.integer("disk")
            let start = try decoder.count("offset")
            guard start <= locator, locator - start >= 56 else {
                throw decoder.failure(
                    field: "offset", from: 8, "the record does not lie before its locator", found: "\(start)",
                    expected: "at most \(locator - 56)")
            }
            decoder = ByteDecoder(try read(start..<start + 56), path: path, place: place, fileOffset: start)
            try decoder.constant(0x0606_4B50 as UInt32, "signature")
            _ = try decoder.raw(12, "size and versions")
            let disks: (UInt32, UInt32) = (try decoder.integer("disk"), try decoder.integer("disk of the directory"))
            return (
                try decoder.integer("members on this disk"), try decoder.integer("members"),
                try decoder.integer("directory size"), try decoder.integer("directory offset"), start,
                disk != 0 || disks.0 != 0 || disks.1 != 0
            )
        }
    }

    /// One member as the central directory describes it.
    private struct Entry {
        let name: String
        let isDeflated: Bool
        let crc32: UInt32
        let packedByteCount: Int
        let byteCount: Int
        let headerOffset: Int
        private let rawName: [UInt8]
        private let method: UInt16

        init(_ decoder: inout ByteDecoder) throws(CheckpointError) {
            let start = decoder.position
            try decoder.constant(0x0201_4B50 as UInt32, "signature")
            _ = try decoder.raw(4, "versions")
            let flags: UInt16 = try decoder.integer("flags")
            method = try decoder.integer("method")
            _ = try decoder.raw(4, "time")
            crc32 = try decoder.integer("crc-32")
            let packed: UInt32 = try decoder.integer("packed size")
            let size: UInt32 = try decoder.integer("size")
            let nameCount: UInt16 = try decoder.integer("name length")
            let extraCount: UInt16 = try decoder.integer("extra length")
            let commentCount: UInt16 = try decoder.integer("comment length")
            _ = try decoder.raw(8, "disk and attributes")
            let offset: UInt32 = try decoder.integer("header offset")
            rawName = try decoder.raw(Int(nameCount), "name")
            guard let name = String(validating: rawName, as: UTF8.self), !rawName.contains(0) else {
                throw decoder.failure(field: "name", from: start, "the name is not UTF-8, or contains U+0000")
            }
            self.name = name
            var extra = try decoder.part(Int(extraCount), "extra")
            _ = try decoder.raw(Int(commentCount), "comment")
            // Bits 0, 5, 6 and 13: encrypted, patched, strongly encrypted, encrypted directory.
            guard flags & 0b10_0000_0110_0001 == 0 else {
                throw decoder.failure(
                    .unsupportedVersion, field: "flags", from: start, "the member '\(name)' is encrypted or patched")
            }
            guard method == 0 || method == 8 else {
                throw decoder.failure(
                    .unsupportedVersion, field: "method", from: start,
                    "the member '\(name)' is packed in a way that cannot be read",
                    found: "\(method)", expected: "0 (stored) or 8 (deflated)")
            }
            isDeflated = method == 8
            var long: [UInt64?] = [nil, nil, nil]
            while extra.remaining >= 4 {
                let id: UInt16 = try extra.integer("extra id")
                let count: UInt16 = try extra.integer("extra size")
                var field = try extra.part(Int(count), "extra")
                guard id == 1 else { continue }
                for (index, short) in [size, packed, offset].enumerated() where short == .max {
                    long[index] = try field.integer("zip64 size")
                }
            }
            func whole(_ index: Int, _ short: UInt32, _ field: String) throws(CheckpointError) -> Int {
                guard short == .max, let value = long[index] else { return Int(short) }
                guard let value = Int(exactly: value) else {
                    throw decoder.failure(
                        field: field, from: start, "the value is too large", found: "\(value)",
                        expected: "at most \(Int.max)")
                }
                return value
            }
            byteCount = try whole(0, size, "size")
            packedByteCount = try whole(1, packed, "packed size")
            headerOffset = try whole(2, offset, "header offset")
            guard isDeflated || byteCount == packedByteCount else {
                throw decoder.failure(
                    field: "size", from: start, "the member '\(name)' is stored, but of two sizes",
                    found: "\(byteCount)", expected: "\(packedByteCount)")
            }
            // A deflated byte is at most 1032 bytes of content: 258 from every two bits.
            guard !isDeflated || byteCount / 1032 <= packedByteCount else {
                throw decoder.failure(
                    field: "size", from: start, "the member '\(name)' cannot unpack to so much",
                    found: "\(byteCount) bytes from \(packedByteCount)", expected: "at most 1032 from each byte")
            }
        }

        /// Checks the local header and returns where the content starts.
        func dataStart(path: FilePath, limit: Int, read: Read) throws(CheckpointError) -> Int {
            let place = CheckpointPlace(section: "zip member '\(name)'")
            guard headerOffset <= limit, limit - headerOffset >= 30 + rawName.count else {
                throw CheckpointError(
                    .invalid, path: path, place: place, problem: "the member does not start before the directory",
                    comparison: .values(found: "byte \(headerOffset)", expected: "at most \(limit)"))
            }
            let end = headerOffset + 30 + rawName.count
            var decoder = ByteDecoder(
                try read(headerOffset..<end), path: path, place: place, fileOffset: headerOffset)
            try decoder.constant(0x0403_4B50 as UInt32, "signature")
            _ = try decoder.raw(2, "version")
            let flags: UInt16 = try decoder.integer("flags")
            try decoder.constant(method, "method")
            _ = try decoder.raw(4, "time")
            _ = try decoder.raw(4, "crc-32")
            let packed: UInt32 = try decoder.integer("packed size")
            let size: UInt32 = try decoder.integer("size")
            // With bit 3 the sizes follow the content; the largest number stands for one in the extra field.
            if flags & 8 == 0 {
                for (found, expected, field) in [(packed, packedByteCount, "packed size"), (size, byteCount, "size")]
                where found != .max && Int(found) != expected {
                    throw decoder.failure(
                        field: field, from: 18, "the local header and the directory disagree", found: "\(found)",
                        expected: "\(expected)")
                }
            }
            try decoder.constant(UInt16(rawName.count), "name length")
            let extraCount: UInt16 = try decoder.integer("extra length")
            let start = decoder.position
            guard try decoder.raw(rawName.count, "name") == rawName else {
                throw decoder.failure(field: "name", from: start, "the local header and the directory disagree")
            }
            return end + Int(extraCount)
        }
    }
}
