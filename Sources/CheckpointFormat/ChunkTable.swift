internal import Codecs
internal import SystemPackage
internal import TensorCore

/// What a tensor's record says after its chunks.
struct ChunkTable: Equatable {
    struct Entry: Equatable {
        var codec: ChunkCodec
        var storedByteCount: Int
        var storedDigest: Digest128
        var contentDigest: Digest128
    }

    /// Where the record's head lies in the file.
    var recordOffset: Int
    /// The tensor's digest.
    var digest: Digest128
    /// The digest of the head's body: ties table and head together.
    var headDigest: Digest128
    var entries: [Entry]

    static let fixedByteCount = 64
    static let entryByteCount = 40

    var storedByteCount: Int { entries.reduce(0) { $0 + $1.storedByteCount } }

    func encoded() -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.integer(UInt64(recordOffset))
        encoder.integer(UInt64(storedByteCount))
        encoder.integer(UInt64(entries.count))
        encoder.zeros(8)
        encoder.digest(digest)
        encoder.digest(headDigest)
        for entry in entries {
            encoder.raw(entry.codec.code)
            encoder.integer(UInt32(truncatingIfNeeded: entry.storedByteCount))
            encoder.digest(entry.storedDigest)
            encoder.digest(entry.contentDigest)
        }
        return encoder.bytes
    }

    /// Reads the table of a head, and checks every number against it.
    static func decode(_ decoder: inout ByteDecoder, head: TensorHead) throws(CheckpointError) -> ChunkTable {
        let recordOffset = try decoder.count("record offset")
        let countsStart = decoder.position
        let storedByteCount = try decoder.count("stored byte count")
        let chunkCount = try decoder.count("chunk count")
        guard chunkCount == head.chunkCount else {
            throw decoder.failure(
                field: "chunk count", from: countsStart + 8, "the count does not follow from the tensor's size",
                found: "\(chunkCount)", expected: "\(head.chunkCount)")
        }
        try decoder.constant(UInt64(0), "reserved")
        let digest = try decoder.digest("tensor digest")
        let headDigest = try decoder.digest("head digest")
        guard decoder.remaining / entryByteCount == chunkCount, decoder.remaining % entryByteCount == 0 else {
            throw decoder.failure(
                field: "chunk count", from: countsStart + 8, byteCount: 8, "the table has another size",
                found: "\(decoder.remaining) bytes", expected: "\(chunkCount) × \(entryByteCount) bytes")
        }
        var table = ChunkTable(recordOffset: recordOffset, digest: digest, headDigest: headDigest, entries: [])
        table.entries.reserveCapacity(chunkCount)
        var sum = 0
        for index in 0..<chunkCount {
            decoder.place.chunk = index
            let contentByteCount = min(
                head.chunkByteCount, head.description.byteCount - index * head.chunkByteCount)
            let entry = try decodeEntry(&decoder, contentByteCount: contentByteCount, hasBase: head.baseDigest != nil)
            sum += entry.storedByteCount
            table.entries.append(entry)
        }
        decoder.place.chunk = nil
        guard sum == storedByteCount else {
            throw decoder.failure(
                field: "stored byte count", from: countsStart, byteCount: 8,
                "the chunks' sizes add up to another number",
                found: "\(storedByteCount)", expected: "\(sum)")
        }
        return table
    }

    private static func decodeEntry(
        _ decoder: inout ByteDecoder, contentByteCount: Int, hasBase: Bool
    ) throws(CheckpointError) -> Entry {
        let start = decoder.position
        let code: UInt32 = try decoder.integer("codec")
        guard let codec = ChunkCodec(code: code) else {
            let bytes = (0..<4).map { UInt8(truncatingIfNeeded: code >> (8 * UInt32($0))) }
            throw decoder.failure(
                .unsupportedVersion, field: "codec", from: start, "unknown codec \(hexadecimal(bytes))")
        }
        guard hasBase || !codec.needsBase else {
            throw decoder.failure(
                field: "codec", from: start, "the codec '\(codec)' needs a base, and the tensor has none")
        }
        let storedByteCount = Int(try decoder.integer("stored byte count", as: UInt32.self))
        let allowed: ClosedRange<Int> =
            switch codec {
            case .raw: contentByteCount...contentByteCount
            case .constant: 1...min(ChunkCodec.maximumPatternByteCount, contentByteCount)
            case .zstd, .planes, .difference, .sparseDifference: 1...contentByteCount
            case .same: 0...0
            }
        guard allowed.contains(storedByteCount) else {
            throw decoder.failure(
                field: "stored byte count", from: start + 4, "not an allowed size for codec '\(codec)'",
                found: "\(storedByteCount)", expected: "\(allowed.lowerBound) … \(allowed.upperBound)")
        }
        let width = codec.wordByteCount
        guard contentByteCount % width == 0 else {
            throw decoder.failure(
                field: "codec", from: start, byteCount: 4, "the chunk is not a whole number of words",
                found: "\(contentByteCount) bytes", expected: "a multiple of \(width)")
        }
        let storedDigest = try decoder.digest("stored digest")
        let contentDigest = try decoder.digest("content digest")
        guard codec != .raw || storedDigest == contentDigest else {
            throw decoder.failure(
                field: "content digest", from: start + 24, "a raw chunk has two different digests",
                found: contentDigest.hex, expected: storedDigest.hex)
        }
        return Entry(
            codec: codec, storedByteCount: storedByteCount, storedDigest: storedDigest, contentDigest: contentDigest)
    }
}
