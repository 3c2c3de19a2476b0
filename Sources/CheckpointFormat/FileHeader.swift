internal import Codecs
internal import SystemPackage

/// The first 64 bytes of a file.
struct FileHeader: Equatable {
    var writeVersion = Format.version
    var readVersion = Format.version
    var requiredFeatures: CheckpointFeatures = []
    var optionalFeatures: UInt64 = 0
    /// XXH3-64 of the bytes before it; the index repeats it.
    private(set) var checksum: UInt64 = 0

    func encoded() -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.raw(Format.headerMagic)
        encoder.integer(writeVersion)
        encoder.integer(readVersion)
        encoder.integer(UInt32(0))
        encoder.integer(requiredFeatures.rawValue)
        encoder.integer(optionalFeatures)
        encoder.zeros(24)
        encoder.integer(XXH3.hash64(unsafe encoder.bytes.span.bytes))
        return encoder.bytes
    }

    /// - Throws: `notACheckpoint` for a wrong magic, `unsupportedVersion`, `damaged` for a wrong checksum.
    static func decode(_ bytes: [UInt8], path: FilePath) throws(CheckpointError) -> FileHeader {
        var decoder = ByteDecoder(bytes, path: path, place: CheckpointPlace(section: "header"), fileOffset: 0)
        let magic = try decoder.raw(8, "magic")
        guard magic == Format.headerMagic else { throw wrongMagic(magic, bytes, decoder) }
        var header = FileHeader()
        header.writeVersion = try decoder.integer("write version")
        header.readVersion = try decoder.integer("read version")
        try checkChecksum(bytes, decoder)
        guard header.readVersion <= Format.version else {
            throw decoder.failure(
                .unsupportedVersion, field: "read version", from: 10, "the file needs a newer reader",
                found: "\(header.readVersion)", expected: "at most \(Format.version)")
        }
        guard header.readVersion > 0, header.readVersion <= header.writeVersion else {
            throw decoder.failure(
                field: "read version", from: 10, "the read version lies outside 1 … write version",
                found: "\(header.readVersion)", expected: "1 … \(header.writeVersion)")
        }
        try decoder.constant(UInt32(0), "reserved")
        header.requiredFeatures = CheckpointFeatures(rawValue: try decoder.integer("required features"))
        let unknown = header.requiredFeatures.subtracting(.readable)
        guard unknown.isEmpty else {
            throw decoder.failure(
                .unsupportedVersion, field: "required features", from: 16,
                "the file needs features that this reader lacks: \(unknown)")
        }
        header.optionalFeatures = try decoder.integer("optional features")
        try decoder.zeros(24, "reserved")
        header.checksum = try decoder.integer("checksum")
        return header
    }

    private static func checkChecksum(_ bytes: [UInt8], _ decoder: ByteDecoder) throws(CheckpointError) {
        var rest = decoder
        _ = try rest.raw(44, "reserved")
        let stored: UInt64 = try rest.integer("checksum")
        let computed = XXH3.hash64(unsafe bytes.span.bytes.extracting(first: 56))
        guard stored == computed else {
            throw CheckpointError.checksumMismatch(
                path: decoder.path, place: CheckpointPlace(section: "header", byteRange: 0..<64),
                stored: hexadecimal(stored), computed: hexadecimal(computed))
        }
    }

    /// A wrong magic is damage where the rest of the header is whole, and another format where it is not.
    private static func wrongMagic(_ magic: [UInt8], _ bytes: [UInt8], _ decoder: ByteDecoder) -> CheckpointError {
        let stored = bytes.suffix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let repaired = Format.headerMagic + bytes[8..<56]
        let place = CheckpointPlace(section: "header", field: "magic", byteRange: 0..<8)
        let comparison = CheckpointError.Comparison.values(
            found: hexadecimal(magic), expected: hexadecimal(Format.headerMagic))
        if stored == XXH3.hash64(unsafe repaired.span.bytes) {
            return CheckpointError(
                .damaged, path: decoder.path, place: place, problem: "wrong magic", comparison: comparison)
        }
        let text = magic.map { $0 & 0x7F }
        if text.starts(with: [0x09, 0x43, 0x52, 0x58]) {
            return CheckpointError(
                .damaged, path: decoder.path, place: place,
                problem: "the file was damaged by a transfer as text", comparison: comparison)
        }
        return CheckpointError(
            .notACheckpoint, path: decoder.path, place: place, problem: "this is not a crux checkpoint",
            comparison: comparison)
    }
}

/// `0x` and 16 digits.
func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: 16 - digits.count) + digits
}

/// Two digits a byte.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
