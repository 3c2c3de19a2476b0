public import CheckpointFormat
public import SystemPackage
public import TensorCore

/// What stands before an array in NumPy's format .npy (versions 1 to 3).
public struct NPYHeader: Hashable, Sendable {
    /// The type as NumPy spells it, for example `<f4`; of a structured type its whole text.
    public let descr: String
    /// Whether neighbours along the first dimension lie together, not those along the last.
    public let isFortranOrder: Bool
    /// The dimensions, outermost first.
    public let shape: Shape
    /// Where the array starts.
    public let dataOffset: Int

    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// The longest header that is read; version 1 has at most 64 KiB.
    static let byteCountLimit = 1 << 20
    /// The bytes that say how long the header is, in the longest case.
    static let startByteCount = 12

    /// Reads a header, which may be followed by anything: also the entry point for fuzzing.
    ///
    /// - Parameters:
    ///   - bytes: The file, or the archive's member, from its start.
    ///   - path: The file's name for messages.
    ///   - place: The member, for messages.
    /// - Throws: ``CheckpointError`` naming the rule that is broken and where.
    public init(
        parsing bytes: [UInt8], path: FilePath, place: CheckpointPlace = CheckpointPlace()
    ) throws(CheckpointError) {
        let (start, end) = try Self.dictionary(bytes, path: path, place: place)
        guard end <= bytes.count else {
            throw CheckpointError(
                .truncated, path: path, place: place, problem: "the array's header ends early",
                comparison: .values(found: "\(bytes.count) bytes", expected: "\(end)"))
        }
        do throws(JSONScanner.Failure) {
            var literal = PythonLiteral(Array(bytes[start..<end]))
            (descr, isFortranOrder, shape) = try literal.header()
        } catch {
            throw CheckpointError(
                .invalid, path: path, place: place,
                problem: "the array's header, byte \(start + error.offset), is not as NumPy writes it",
                comparison: .values(found: error.found, expected: error.expected))
        }
        dataOffset = end
    }

    /// How many bytes from the start a header takes; `bytes` are ``startByteCount`` or the whole file.
    static func byteCount(
        _ bytes: [UInt8], path: FilePath, place: CheckpointPlace
    ) throws(CheckpointError) -> Int {
        try dictionary(bytes, path: path, place: place).end
    }

    /// Where the dictionary's text starts and ends.
    private static func dictionary(
        _ bytes: [UInt8], path: FilePath, place: CheckpointPlace
    ) throws(CheckpointError) -> (start: Int, end: Int) {
        var decoder = ByteDecoder(bytes, path: path, place: place, fileOffset: 0, endsWithFile: true)
        guard try decoder.raw(6, "magic") == magic else {
            throw decoder.failure(.notACheckpoint, field: "magic", from: 0, "is not an array of NumPy")
        }
        let version: UInt8 = try decoder.integer("version")
        _ = try decoder.integer("minor version", as: UInt8.self)
        guard (1...3).contains(version) else {
            throw decoder.failure(
                .unsupportedVersion, field: "version", from: 6, "a version that cannot be read", found: "\(version)",
                expected: "1, 2 or 3")
        }
        let count =
            version == 1
            ? Int(try decoder.integer("header length", as: UInt16.self))
            : Int(try decoder.integer("header length", as: UInt32.self))
        guard count <= byteCountLimit else {
            throw decoder.failure(
                field: "header length", from: 8, "the header is too long", found: "\(count) bytes",
                expected: "at most \(byteCountLimit)")
        }
        return (decoder.position, decoder.position + count)
    }

    /// The type, and whether its numbers have their highest byte first; nil for types that are not numbers of ours.
    var dtype: (dtype: DType, isBigEndian: Bool)? {
        guard let order = descr.first, "<>=|".contains(order) else { return nil }
        return Self.dtypes[String(descr.dropFirst())].map { ($0, order == ">") }
    }

    private static let dtypes: [String: DType] = [
        "b1": .bool, "i1": .i8, "u1": .u8, "i2": .i16, "u2": .u16, "f2": .f16, "i4": .i32, "u4": .u32, "f4": .f32,
        "i8": .i64, "u8": .u64, "f8": .f64, "c8": .c64,
    ]

    /// NumPy's spelling of a type; nil where it has none.
    static func descr(of dtype: DType) -> String? {
        guard let name = dtypes.first(where: { $0.value == dtype })?.key else { return nil }
        return (dtype.block.byteCount == 1 ? "|" : "<") + name
    }

    /// The most dimensions of an array.
    static let maximumRank = 64

    /// The bytes before an array, a multiple of 64, as NumPy writes them.
    static func encoded(_ tensor: TensorDescription) -> [UInt8] {
        let sizes = tensor.shape.dimensions.map { "\($0)" }
        let shape = "(" + sizes.joined(separator: ", ") + (sizes.count == 1 ? ",)" : ")")
        var text = "{'descr': '\(descr(of: tensor.dtype) ?? "")', 'fortran_order': False, 'shape': \(shape), }"
        // NumPy leaves room for the first dimension to grow to the longest number.
        if let first = sizes.first { text += String(repeating: " ", count: max(0, 21 - first.utf8.count)) }
        let unpadded = 10 + text.utf8.count + 1
        text += String(repeating: " ", count: unpadded.paddingCount(to: 64)) + "\n"
        var encoder = ByteEncoder()
        encoder.raw(magic)
        encoder.raw([1, 0])
        encoder.integer(UInt16(clamping: text.utf8.count))
        encoder.raw(text.utf8)
        return encoder.bytes
    }
}

/// Scans the Python dictionary of a header: strings, bools, tuples of integers.
private struct PythonLiteral {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func header() throws(JSONScanner.Failure) -> (descr: String, isFortranOrder: Bool, shape: Shape) {
        var (descr, order, shape): (String?, Bool?, [Int]?)
        try expect("{")
        while !scan("}") {
            let start = offset
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where descr == nil: descr = try type()
            case "fortran_order" where order == nil: order = try bool()
            case "shape" where shape == nil: shape = try sizes()
            default:
                throw JSONScanner.Failure(
                    offset: start, found: "the key \(key.debugDescription)",
                    expected: "descr, fortran_order and shape, each once")
            }
            if !scan(",") {
                try expect("}")
                break
            }
        }
        skipSpaces()
        guard offset == bytes.count else { throw failure(expected: "nothing more") }
        guard let descr, let order, let shape else {
            throw JSONScanner.Failure(
                offset: 0, found: "an incomplete dictionary", expected: "descr, fortran_order and shape")
        }
        return (descr, order, Shape(shape))
    }

    private mutating func skipSpaces() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    private mutating func scan(_ text: String) -> Bool {
        skipSpaces()
        guard bytes[offset...].starts(with: text.utf8) else { return false }
        offset += text.utf8.count
        return true
    }

    private mutating func expect(_ text: String) throws(JSONScanner.Failure) {
        guard scan(text) else { throw failure(expected: text) }
    }

    private func failure(expected: String) -> JSONScanner.Failure {
        let found = bytes[min(offset, bytes.count)...].prefix(8)
        return JSONScanner.Failure(
            offset: offset,
            found: found.isEmpty ? "the end" : String(decoding: found, as: UTF8.self).debugDescription,
            expected: expected)
    }

    private mutating func string() throws(JSONScanner.Failure) -> String {
        skipSpaces()
        guard offset < bytes.count, bytes[offset] == 0x27 || bytes[offset] == 0x22 else {
            throw failure(expected: "a string")
        }
        let start = offset + 1
        guard let end = bytes[start...].firstIndex(of: bytes[offset]), !bytes[start..<end].contains(0x5C),
            let text = String(validating: bytes[start..<end], as: UTF8.self)
        else { throw failure(expected: "a string without escapes") }
        offset = end + 1
        return text
    }

    /// A string, or the text of a list or tuple that describes a structured type.
    private mutating func type() throws(JSONScanner.Failure) -> String {
        skipSpaces()
        let start = offset
        guard offset < bytes.count, bytes[offset] == 0x5B || bytes[offset] == 0x28 else { return try string() }
        var depth = 0
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x5B, 0x28: depth += 1
            case 0x5D, 0x29: depth -= 1
            case 0x27, 0x22:
                _ = try string()
                continue
            default: break
            }
            offset += 1
            if depth == 0 { return String(decoding: bytes[start..<offset], as: UTF8.self) }
        }
        throw failure(expected: "the end of the type")
    }

    private mutating func bool() throws(JSONScanner.Failure) -> Bool {
        if scan("True") { return true }
        try expect("False")
        return false
    }

    private mutating func sizes() throws(JSONScanner.Failure) -> [Int] {
        var sizes: [Int] = []
        try expect("(")
        while !scan(")") {
            skipSpaces()
            let start = offset
            while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) { offset += 1 }
            guard let size = Int(String(decoding: bytes[start..<offset], as: UTF8.self)) else {
                offset = start
                throw failure(expected: "a size that can be addressed")
            }
            sizes.append(size)
            // Python 2 wrote long integers so.
            _ = scan("L")
            if !scan(",") {
                try expect(")")
                break
            }
        }
        return sizes
    }
}
