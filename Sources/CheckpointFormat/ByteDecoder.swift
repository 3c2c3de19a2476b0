package import Codecs
package import SystemPackage

/// Reads little-endian values from bytes of a file; every failure names the field and its place.
package struct ByteDecoder {
    /// The file, for messages.
    package let path: FilePath
    /// The section or tensor, for messages; field and range are added.
    package var place: CheckpointPlace
    /// Where `bytes[0]` lies in the file.
    package let fileOffset: Int
    /// What is read.
    package let bytes: [UInt8]
    /// The next byte to read.
    package private(set) var position: Int
    /// The first byte that must not be read.
    package let end: Int
    /// Whether the bytes end where the file ends, rather than a section in it: what is missing then is cut off.
    private let endsWithFile: Bool

    /// Reads all of the bytes.
    package init(
        _ bytes: [UInt8], path: FilePath, place: CheckpointPlace, fileOffset: Int, endsWithFile: Bool = false
    ) {
        self.path = path
        self.place = place
        self.fileOffset = fileOffset
        self.bytes = bytes
        self.endsWithFile = endsWithFile
        position = 0
        end = bytes.count
    }

    private init(part range: Range<Int>, of decoder: ByteDecoder) {
        path = decoder.path
        place = decoder.place
        fileOffset = decoder.fileOffset
        bytes = decoder.bytes
        endsWithFile = false
        position = range.lowerBound
        end = range.upperBound
    }

    /// The bytes that are not read yet.
    package var remaining: Int { end - position }

    /// An error at `byteCount` bytes from `start` (this decoder's coordinates), or at all up to the current
    /// position.
    package func failure(
        _ kind: CheckpointError.Kind = .invalid, field: String, from start: Int, byteCount: Int? = nil,
        _ problem: String, found: String? = nil, expected: String? = nil
    ) -> CheckpointError {
        var place = place
        place.field = field
        place.byteRange = fileOffset + start..<fileOffset + start + (byteCount ?? max(position - start, 0))
        var comparison: CheckpointError.Comparison?
        if let found, let expected { comparison = .values(found: found, expected: expected) }
        return CheckpointError(kind, path: path, place: place, problem: problem, comparison: comparison)
    }

    /// The error of a field that needs more bytes than are left.
    package func shortage(
        of field: String, from start: Int, _ problem: String = "the field does not fit into its section",
        found: String, expected: String
    ) -> CheckpointError {
        endsWithFile
            ? failure(
                .truncated, field: field, from: start, byteCount: end - start, "the file ends inside the field")
            : failure(field: field, from: start, problem, found: found, expected: expected)
    }

    private mutating func take(_ count: Int, _ field: String) throws(CheckpointError) -> Range<Int> {
        guard count >= 0, count <= remaining else {
            throw shortage(of: field, from: position, found: "\(remaining) bytes", expected: "\(count) bytes")
        }
        defer { position += count }
        return position..<position + count
    }

    /// A number without sign.
    package mutating func integer<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ field: String, as: Value.Type = Value.self
    ) throws(CheckpointError) -> Value {
        let range = try take(Value.bitWidth / 8, field)
        // take() has checked the range.
        return unsafe Value(
            littleEndian: bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: Value.self))
    }

    /// A 64-bit size, count or offset that must be representable.
    package mutating func count(_ field: String) throws(CheckpointError) -> Int {
        let start = position
        let value: UInt64 = try integer(field)
        guard let count = Int(exactly: value) else {
            throw failure(
                field: field, from: start, "the value is too large", found: "\(value)",
                expected: "at most \(Int.max)")
        }
        return count
    }

    /// Checks a field that has one allowed value.
    package mutating func constant<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ expected: Value, _ field: String
    ) throws(CheckpointError) {
        let start = position
        let value: Value = try integer(field)
        guard value == expected else {
            throw failure(field: field, from: start, "wrong value", found: "\(value)", expected: "\(expected)")
        }
    }

    /// A digest of 16 bytes.
    package mutating func digest(_ field: String) throws(CheckpointError) -> Digest128 {
        let start = try take(16, field).lowerBound
        func half(_ offset: Int) -> UInt64 {
            unsafe UInt64(
                bigEndian: bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: start + offset, as: UInt64.self))
        }
        return Digest128(high: half(0), low: half(8))
    }

    /// Bytes as they are.
    package mutating func raw(_ count: Int, _ field: String) throws(CheckpointError) -> [UInt8] {
        Array(bytes[try take(count, field)])
    }

    /// Text of so many bytes of UTF-8.
    package mutating func string(_ count: Int, _ field: String) throws(CheckpointError) -> String {
        let range = try take(count, field)
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw failure(field: field, from: range.lowerBound, "the text is not valid UTF-8")
        }
        return text
    }

    /// A 64-bit count of bytes, then text of that size.
    package mutating func countedString(_ field: String) throws(CheckpointError) -> String {
        try string(try count(field), field)
    }

    /// Skips bytes that must be zero.
    package mutating func zeros(_ count: Int, _ field: String) throws(CheckpointError) {
        let range = try take(count, field)
        if let index = range.first(where: { bytes[$0] != 0 }) {
            throw failure(
                field: field, from: index, "the bytes must be zero", found: "\(bytes[index])", expected: "0")
        }
    }

    /// Skips zeros up to the next multiple of the position.
    package mutating func padding(to alignment: Int) throws(CheckpointError) {
        try zeros(position.paddingCount(to: alignment), "padding")
    }

    /// A decoder of the next bytes alone.
    package mutating func part(_ count: Int, _ field: String) throws(CheckpointError) -> ByteDecoder {
        ByteDecoder(part: try take(count, field), of: self)
    }

    /// Checks that all bytes were read.
    package func finish() throws(CheckpointError) {
        guard remaining == 0 else {
            var place = place
            place.byteRange = fileOffset + position..<fileOffset + end
            throw CheckpointError(
                .invalid, path: path, place: place, problem: "\(remaining) bytes are left over")
        }
    }
}
