internal import Codecs
internal import OrderedCollections
internal import SystemPackage
internal import TensorCore

/// The body of the index section: every section of the file, in file order, without gaps.
struct FileIndex {
    struct Entry {
        var kind: SectionKind
        /// The whole section with its padding; of a tensor, the whole record.
        var range: Range<Int>
        /// XXH3-128 of the section's body (of a tensor, of its head's body; of `past` bytes, of all of them).
        var bodyDigest: Digest128
        var tensor: TensorRecord?
        /// What an unknown optional section's entry says beyond that; kept when the index is written anew.
        var detail: [UInt8] = []
    }

    /// Where the trailer lies that this index supersedes; 0 where there was none.
    var previousTrailerOffset = 0
    var weightsDigest: Digest128
    /// The header's checksum.
    var headerChecksum: UInt64
    var entries: [Entry]

    static let fixedByteCount = 48
    static let entryByteCount = 40

    /// The index of a file's sections; the weights' digest is computed.
    init(headerChecksum: UInt64, entries: [Entry]) {
        self.headerChecksum = headerChecksum
        self.entries = entries
        weightsDigest = Self.weightsDigest(of: entries)
    }

    static func weightsDigest(of entries: [Entry]) -> Digest128 {
        ContentDigest.weights(
            of: entries.lazy.compactMap(\.tensor).filter { $0.head.description.role == .weight }
                .map { ($0.head.description.name, $0.table.digest) })
    }

    func encoded() -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.integer(UInt32(truncatingIfNeeded: entries.count))
        encoder.integer(UInt32(0))
        encoder.integer(UInt64(previousTrailerOffset))
        encoder.digest(weightsDigest)
        encoder.integer(headerChecksum)
        encoder.zeros(8)
        for entry in entries {
            let head = entry.tensor?.head.encoded() ?? []
            let table = entry.tensor?.table.encoded() ?? []
            let detailByteCount = entry.tensor == nil ? entry.detail.count : 8 + head.count + table.count
            encoder.integer(entry.kind.rawValue)
            encoder.integer(UInt32(truncatingIfNeeded: detailByteCount))
            encoder.integer(UInt64(entry.range.lowerBound))
            encoder.integer(UInt64(entry.range.count))
            encoder.digest(entry.bodyDigest)
            if entry.tensor != nil {
                encoder.integer(UInt32(truncatingIfNeeded: head.count))
                encoder.integer(UInt32(truncatingIfNeeded: table.count))
                encoder.raw(head)
                encoder.raw(table)
            } else {
                encoder.raw(entry.detail)
            }
        }
        return encoder.bytes
    }

    /// Reads an index that must describe all bytes from the header's end to `indexOffset`.
    static func decode(
        _ decoder: inout ByteDecoder, indexOffset: Int, features: CheckpointFeatures
    ) throws(CheckpointError) -> FileIndex {
        let entryCount = Int(try decoder.integer("entry count", as: UInt32.self))
        try decoder.constant(UInt32(0), "reserved")
        let previousStart = decoder.position
        let previous = try decoder.count("previous trailer offset")
        guard previous == 0 || (previous < indexOffset && previous % Format.alignment == 0) else {
            throw decoder.failure(
                field: "previous trailer offset", from: previousStart, "not a place before this index",
                found: "\(previous)", expected: "0, or a multiple of 64 below \(indexOffset)")
        }
        let digestStart = decoder.position
        let weightsDigest = try decoder.digest("weights digest")
        let headerChecksum: UInt64 = try decoder.integer("header checksum")
        try decoder.constant(UInt64(0), "reserved")

        var entries: [Entry] = []
        var names: OrderedSet<String> = []
        var offset = Format.blockByteCount
        for _ in 0..<entryCount {
            let start = decoder.position
            let entry = try decodeEntry(&decoder, at: offset, indexOffset: indexOffset, features: features)
            offset = entry.range.upperBound
            if let name = entry.tensor?.head.description.name, !names.append(name).inserted {
                decoder.place.tensor = name
                throw decoder.failure(field: "name", from: start, "two tensors have this name")
            }
            entries.append(entry)
        }
        try decoder.finish()
        guard offset == indexOffset else {
            throw decoder.failure(
                field: "entries", from: fixedByteCount, "the sections do not reach up to the index",
                found: "\(offset)", expected: "\(indexOffset)")
        }
        guard entries.count(where: { $0.kind == .metadata }) == 1 else {
            throw decoder.failure(
                field: "entries", from: fixedByteCount, "there must be one metadata section",
                found: "\(entries.count(where: { $0.kind == .metadata }))", expected: "1")
        }
        var index = FileIndex(headerChecksum: headerChecksum, entries: entries)
        index.previousTrailerOffset = previous
        // The weights lie in the shards; whoever opens them checks it.
        if features.contains(.shards) { index.weightsDigest = weightsDigest }
        guard index.weightsDigest == weightsDigest else {
            decoder.place.field = "weights digest"
            decoder.place.byteRange = decoder.fileOffset + digestStart..<decoder.fileOffset + digestStart + 16
            throw CheckpointError.checksumMismatch(
                path: decoder.path, place: decoder.place, stored: weightsDigest.hex,
                computed: index.weightsDigest.hex)
        }
        return index
    }

    private static func decodeEntry(
        _ decoder: inout ByteDecoder, at offset: Int, indexOffset: Int, features: CheckpointFeatures
    ) throws(CheckpointError) -> Entry {
        let start = decoder.position
        let kind = SectionKind(rawValue: try decoder.integer("entry kind"))
        let detailByteCount = Int(try decoder.integer("entry detail byte count", as: UInt32.self))
        let entryOffset = try decoder.count("entry offset")
        let byteCount = try decoder.count("entry byte count")
        guard entryOffset == offset else {
            throw decoder.failure(
                field: "entry offset", from: start + 8, byteCount: 8,
                "the sections do not follow each other without a gap",
                found: "\(entryOffset)", expected: "\(offset)")
        }
        guard byteCount >= Format.blockByteCount, byteCount % Format.alignment == 0,
            byteCount <= indexOffset - offset
        else {
            throw decoder.failure(
                field: "entry byte count", from: start + 16, "not an allowed size", found: "\(byteCount)",
                expected: "a multiple of 64 in 64 … \(indexOffset - offset)")
        }
        let bodyDigest = try decoder.digest("entry body digest")
        let range = offset..<offset + byteCount
        var detail = try decoder.part(detailByteCount, "entry detail")
        var entry = Entry(kind: kind, range: range, bodyDigest: bodyDigest, tensor: nil)
        switch kind {
        case .tensor:
            guard !features.contains(.shards) else {
                throw decoder.failure(
                    field: "entry kind", from: start, byteCount: 4, "a tensor in a file that lists shards")
            }
            entry.tensor = try TensorRecord.decode(
                &detail, range: range, headDigest: bodyDigest, features: features)
            try detail.finish()
        case .metadata, .past, .base, .shards:
            try detail.finish()
        default:
            guard kind.isOptional else {
                throw decoder.failure(
                    .unsupportedVersion, field: "entry kind", from: start, byteCount: 4,
                    "unknown required section '\(kind)'")
            }
            entry.detail = try detail.raw(detail.remaining, "entry detail")
        }
        return entry
    }
}

/// A tensor's record: head, chunks, chunk table, and where they lie.
struct TensorRecord: Equatable {
    var head: TensorHead
    var table: ChunkTable
    /// The whole record.
    var range: Range<Int>
    /// Where the head's section ends and the chunks begin.
    var dataOffset: Int
    /// Where the chunk table's section begins.
    var tableOffset: Int

    /// The record of a head and its table at a place.
    init(head: TensorHead, table: ChunkTable) {
        self.head = head
        self.table = table
        dataOffset = table.recordOffset + SectionHeader.byteCount(body: head.encodedByteCount)
        let stored = table.storedByteCount
        tableOffset = dataOffset + stored + stored.paddingCount(to: Format.alignment)
        range =
            table.recordOffset..<tableOffset
            + SectionHeader.byteCount(
                body: ChunkTable.fixedByteCount + table.entries.count * ChunkTable.entryByteCount)
    }

    static func decode(
        _ detail: inout ByteDecoder, range: Range<Int>, headDigest: Digest128, features: CheckpointFeatures
    ) throws(CheckpointError) -> TensorRecord {
        let start = detail.position
        let headByteCount = Int(try detail.integer("head byte count", as: UInt32.self))
        let tableByteCount = Int(try detail.integer("table byte count", as: UInt32.self))
        let headStart = detail.position
        var headDecoder = try detail.part(headByteCount, "head")
        let head = try TensorHead.decode(&headDecoder, features: features)
        try headDecoder.finish()
        detail.place.tensor = head.description.name
        var tableDecoder = try detail.part(tableByteCount, "table")
        let table = try ChunkTable.decode(&tableDecoder, head: head)
        try tableDecoder.finish()
        guard table.recordOffset == range.lowerBound else {
            throw detail.failure(
                field: "record offset", from: headStart + headByteCount, byteCount: 8,
                "the table belongs to another record",
                found: "\(table.recordOffset)", expected: "\(range.lowerBound)")
        }
        let computed = XXH3.hash128(
            unsafe detail.bytes.span.bytes.extracting(headStart..<headStart + headByteCount))
        for stored in [headDigest, table.headDigest] where stored != computed {
            detail.place.field = "head digest"
            detail.place.byteRange =
                detail.fileOffset + headStart..<detail.fileOffset + headStart + headByteCount
            throw CheckpointError.checksumMismatch(
                path: detail.path, place: detail.place, stored: stored.hex, computed: computed.hex)
        }
        let record = TensorRecord(head: head, table: table)
        guard record.range == range else {
            throw detail.failure(
                field: "entry byte count", from: start, "the record's parts have another size",
                found: "\(range.count)", expected: "\(record.range.count)")
        }
        return record
    }

    /// The public view of the record.
    var stored: StoredTensor {
        var chunks: [StoredChunk] = []
        chunks.reserveCapacity(table.entries.count)
        var offset = dataOffset
        var contentOffset = 0
        for (index, entry) in table.entries.enumerated() {
            let contentEnd = min(contentOffset + head.chunkByteCount, head.description.byteCount)
            chunks.append(
                StoredChunk(
                    index: index, codec: entry.codec, byteRange: offset..<offset + entry.storedByteCount,
                    contentRange: contentOffset..<contentEnd, storedDigest: entry.storedDigest,
                    contentDigest: entry.contentDigest))
            offset += entry.storedByteCount
            contentOffset = contentEnd
        }
        return StoredTensor(
            description: head.description, digest: table.digest, chunkByteCount: head.chunkByteCount, chunks: chunks,
            baseDigest: head.baseDigest, recordRange: range, byteRange: dataOffset..<offset)
    }
}
