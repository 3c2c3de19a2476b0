internal import Codecs
internal import SystemPackage

/// Four ASCII letters that name a section's content. A lower-case first letter marks a section that a reader
/// may skip.
package struct SectionKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The letters, the first in the lowest byte.
    package let rawValue: UInt32

    /// Takes the letters as the file stores them.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    private init(_ letters: StaticString) {
        rawValue = letters.description.utf8.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The head of a tensor's record.
    package static let tensor = SectionKind("TENS")
    /// The chunk table that ends a tensor's record.
    package static let chunkTable = SectionKind("CHNK")
    /// The metadata.
    package static let metadata = SectionKind("META")
    /// The base that a delta refers to.
    package static let base = SectionKind("BASE")
    /// The files that hold the tensors.
    package static let shards = SectionKind("SHRD")
    /// The index.
    package static let index = SectionKind("INDX")
    /// Bytes that an edit has left behind: an older index, its trailer, older metadata.
    package static let past = SectionKind("past")

    /// Whether a reader that does not know the kind may skip it.
    package var isOptional: Bool { rawValue & 0x20 != 0 }

    /// The letters, unprintable ones as `?`.
    package var description: String {
        String(
            decoding: (0..<4).map { index in
                let letter = UInt8(truncatingIfNeeded: rawValue >> (8 * UInt32(index)))
                return (0x21...0x7E).contains(letter) ? letter : 0x3F
            }, as: UTF8.self)
    }
}

/// The 64 bytes before each section's body.
struct SectionHeader: Equatable {
    var kind: SectionKind
    /// Without the zeros that follow it up to the next multiple of 64.
    var bodyByteCount: Int
    var bodyDigest: Digest128
    /// Where this header lies in the file.
    var offset: Int

    /// The whole section: header, body, padding.
    var range: Range<Int> {
        offset..<offset + Self.byteCount(body: bodyByteCount)
    }

    /// The size of a section with a body of so many bytes.
    static func byteCount(body: Int) -> Int {
        Format.blockByteCount + body + body.paddingCount(to: Format.alignment)
    }

    func encoded() -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.raw(Format.sectionMagic)
        encoder.integer(kind.rawValue)
        encoder.integer(UInt32(0))
        encoder.integer(UInt64(bodyByteCount))
        encoder.integer(UInt64(offset))
        encoder.digest(bodyDigest)
        encoder.zeros(8)
        encoder.integer(XXH3.hash64(unsafe encoder.bytes.span.bytes))
        return encoder.bytes
    }

    /// A whole section: header, body, padding.
    static func section(_ kind: SectionKind, body: [UInt8], at offset: Int) -> [UInt8] {
        let header = SectionHeader(
            kind: kind, bodyByteCount: body.count, bodyDigest: XXH3.hash128(body), offset: offset)
        var encoder = ByteEncoder()
        encoder.raw(header.encoded())
        encoder.raw(body)
        encoder.pad(to: Format.alignment)
        return encoder.bytes
    }

    /// Reads a header at its place and checks its own checksum.
    ///
    /// - Parameters:
    ///   - bytes: At least 64 bytes, the header first.
    ///   - offset: Where they lie in the file.
    ///   - place: What the section is, for messages.
    static func decode(
        _ bytes: [UInt8], at offset: Int, path: FilePath, place: CheckpointPlace
    ) throws(CheckpointError) -> SectionHeader {
        var decoder = ByteDecoder(
            Array(bytes.prefix(Format.blockByteCount)), path: path, place: place, fileOffset: offset)
        let magic = try decoder.raw(8, "section magic")
        guard magic == Format.sectionMagic else {
            throw decoder.failure(
                .damaged, field: "section magic", from: 0, "wrong magic", found: hexadecimal(magic),
                expected: hexadecimal(Format.sectionMagic))
        }
        let kind = SectionKind(rawValue: try decoder.integer("section kind"))
        let reserved: UInt32 = try decoder.integer("section reserved")
        let bodyByteCount: UInt64 = try decoder.integer("body byte count")
        let ownOffset: UInt64 = try decoder.integer("section offset")
        let bodyDigest = try decoder.digest("body digest")
        let reservedEnd: UInt64 = try decoder.integer("section reserved")
        let stored: UInt64 = try decoder.integer("section checksum")
        let computed = XXH3.hash64(unsafe bytes.span.bytes.extracting(first: 56))
        guard stored == computed else {
            var damaged = place
            damaged.field = "section header"
            damaged.byteRange = offset..<offset + Format.blockByteCount
            throw CheckpointError.checksumMismatch(
                path: path, place: damaged, stored: hexadecimal(stored), computed: hexadecimal(computed))
        }
        guard reserved == 0, reservedEnd == 0 else {
            let isFirst = reserved != 0
            throw decoder.failure(
                field: "section reserved", from: isFirst ? 12 : 48, byteCount: isFirst ? 4 : 8, "wrong value",
                found: isFirst ? "\(reserved)" : "\(reservedEnd)", expected: "0")
        }
        guard ownOffset == UInt64(offset) else {
            throw decoder.failure(
                field: "section offset", from: 24, byteCount: 8, "the section belongs to another place",
                found: "\(ownOffset)",
                expected: "\(offset)")
        }
        guard let count = Int(exactly: bodyByteCount), count <= Int.max / 2 else {
            throw decoder.failure(
                field: "body byte count", from: 16, byteCount: 8, "the value is too large", found: "\(bodyByteCount)",
                expected: "at most the file's size")
        }
        return SectionHeader(kind: kind, bodyByteCount: count, bodyDigest: bodyDigest, offset: offset)
    }
}
