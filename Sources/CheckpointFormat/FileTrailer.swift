internal import Codecs
internal import SystemPackage

/// The last 64 bytes of a file: where the index is.
struct FileTrailer {
    /// The index section, its header and padding included.
    var indexRange: Range<Int>
    /// XXH3-128 of the whole index section: the root of the hash tree.
    var fileDigest: Digest128

    func encoded() -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.raw(Format.trailerMagic)
        encoder.integer(UInt64(indexRange.lowerBound))
        encoder.integer(UInt64(indexRange.upperBound + Format.blockByteCount))
        encoder.digest(fileDigest)
        encoder.zeros(8)
        encoder.integer(XXH3.hash64(unsafe encoder.bytes.span.bytes))
        encoder.raw(Format.endMagic)
        return encoder.bytes
    }

    /// - Throws: `truncated` where the bytes are no trailer at all, `damaged` where they are a broken one.
    static func decode(_ bytes: [UInt8], fileByteCount: Int, path: FilePath) throws(CheckpointError) -> FileTrailer {
        let offset = fileByteCount - Format.blockByteCount
        let place = CheckpointPlace(section: "trailer", byteRange: offset..<fileByteCount)
        var decoder = ByteDecoder(bytes, path: path, place: CheckpointPlace(section: "trailer"), fileOffset: offset)
        let magic = try decoder.raw(8, "magic")
        let indexOffset: UInt64 = try decoder.integer("index offset")
        let declaredByteCount: UInt64 = try decoder.integer("file byte count")
        let fileDigest = try decoder.digest("file digest")
        let reserved: UInt64 = try decoder.integer("reserved")
        let stored: UInt64 = try decoder.integer("checksum")
        let endMagic = try decoder.raw(8, "end magic")

        let computed = XXH3.hash64(unsafe bytes.span.bytes.extracting(first: 48))
        let hasMagic = magic == Format.trailerMagic
        let hasEndMagic = endMagic == Format.endMagic
        guard hasMagic || hasEndMagic || stored == computed else {
            throw CheckpointError(
                .truncated, path: path, place: place,
                problem: "the file does not end in a trailer: its end is missing, or other bytes follow it")
        }
        guard hasMagic else {
            throw CheckpointError(
                .damaged, path: path,
                place: CheckpointPlace(section: "trailer", field: "magic", byteRange: offset..<offset + 8),
                problem: "wrong magic",
                comparison: .values(found: hexadecimal(magic), expected: hexadecimal(Format.trailerMagic)))
        }
        guard hasEndMagic else {
            throw CheckpointError(
                .damaged, path: path,
                place: CheckpointPlace(
                    section: "trailer", field: "end magic", byteRange: fileByteCount - 8..<fileByteCount),
                problem: "wrong magic",
                comparison: .values(found: hexadecimal(endMagic), expected: hexadecimal(Format.endMagic)))
        }
        guard stored == computed else {
            throw CheckpointError.checksumMismatch(
                path: path, place: place, stored: hexadecimal(stored), computed: hexadecimal(computed))
        }
        guard declaredByteCount == UInt64(fileByteCount) else {
            throw CheckpointError(
                declaredByteCount > UInt64(fileByteCount) ? .truncated : .invalid, path: path,
                place: CheckpointPlace(section: "trailer", field: "file byte count"), problem: "wrong file size",
                comparison: .values(found: "\(fileByteCount) bytes", expected: "\(declaredByteCount) bytes"))
        }
        guard reserved == 0 else {
            throw CheckpointError(
                .invalid, path: path,
                place: CheckpointPlace(section: "trailer", field: "reserved", byteRange: offset + 40..<offset + 48),
                problem: "wrong value", comparison: .values(found: "\(reserved)", expected: "0"))
        }
        guard indexOffset >= UInt64(Format.blockByteCount), indexOffset % UInt64(Format.alignment) == 0,
            let start = Int(exactly: indexOffset), start <= offset - Format.blockByteCount
        else {
            throw CheckpointError(
                .invalid, path: path,
                place: CheckpointPlace(section: "trailer", field: "index offset", byteRange: offset + 8..<offset + 16),
                problem: "the index does not lie between header and trailer",
                comparison: .values(found: "\(indexOffset)", expected: "a multiple of 64 in 64 … \(offset - 64)"))
        }
        return FileTrailer(indexRange: start..<offset, fileDigest: fileDigest)
    }
}
