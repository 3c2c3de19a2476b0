package import OrderedCollections
package import TensorCore

/// The JSON header of a safetensors file: which tensor lies where, and strings about the file.
package struct SafetensorsHeader {
    /// The longest header that the format allows, in bytes.
    package static let byteCountLimit = 100_000_000
    /// The key of the strings about the file.
    package static let metadataKey = "__metadata__"

    /// One tensor and where its bytes lie, relative to the end of the header.
    package struct Entry: Hashable, Sendable {
        /// Name, type and shape; every role is ``TensorRole/weight`` until the metadata says otherwise.
        package let description: TensorDescription
        /// Start and end of the content.
        package let range: Range<Int>
    }

    /// A broken rule.
    package struct Problem: Error {
        /// The tensor or metadata entry, or nil for the header as a whole.
        package let tensor: String?
        /// Where in the JSON text, in bytes from its start.
        package let offset: Int
        /// What was found.
        package let found: String
        /// What was expected.
        package let expected: String
        /// Whether the file ends too early.
        package var isTruncation = false
    }

    /// `__metadata__` in the order of the header.
    package let metadata: OrderedDictionary<String, String>
    /// The tensors in the order of their bytes.
    package let entries: [Entry]

    /// Reads the header of a file that has `dataByteCount` bytes after it.
    ///
    /// - Throws: ``Problem`` for the first rule that the header breaks.
    package init(json: [UInt8], dataByteCount: Int) throws(Problem) {
        let content: Content
        do throws(JSONScanner.Failure) {
            content = try Content(json: json)
        } catch {
            throw Problem(tensor: nil, offset: error.offset, found: error.found, expected: error.expected)
        }
        var entries: [(entry: Entry, offset: Int)] = []
        entries.reserveCapacity(content.tensors.count)
        for tensor in content.tensors { entries.append((try tensor.entry(), tensor.offset)) }
        entries.sort {
            ($0.entry.range.lowerBound, $0.entry.range.upperBound, $0.offset)
                < ($1.entry.range.lowerBound, $1.entry.range.upperBound, $1.offset)
        }
        var end = 0
        for (entry, offset) in entries {
            guard entry.range.lowerBound == end else {
                throw Problem(
                    tensor: entry.description.name, offset: offset,
                    found: "data that starts at \(entry.range.lowerBound)",
                    expected: "\(end), where the tensor before it ends")
            }
            end = entry.range.upperBound
        }
        guard end == dataByteCount else {
            throw Problem(
                tensor: entries.last?.entry.description.name, offset: entries.last?.offset ?? 0,
                found: "\(dataByteCount) bytes after the header", expected: "\(end), where the last tensor ends",
                isTruncation: dataByteCount < end)
        }
        self.metadata = content.metadata
        self.entries = entries.map(\.entry)
    }

    /// Lays tensors out for writing: the widest types first, then by name, as the reference library does.
    package init(
        metadata: OrderedDictionary<String, String>, tensors: some Sequence<TensorDescription>
    ) {
        self.metadata = metadata
        var end = 0
        entries = tensors.sorted(by: Self.isWritten(_:before:)).map { tensor in
            defer { end += tensor.byteCount }
            return Entry(description: tensor, range: end..<(end + tensor.byteCount))
        }
    }

    /// The reference library's order: its list of types from the last to the first, then the names' bytes.
    private static func isWritten(_ first: TensorDescription, before second: TensorDescription) -> Bool {
        let (firstRank, secondRank) = (rank(first.dtype), rank(second.dtype))
        return firstRank == secondRank
            ? first.name.utf8.lexicographicallyPrecedes(second.name.utf8) : firstRank > secondRank
    }

    private static func rank(_ dtype: DType) -> Int { DType.allCases.firstIndex(of: dtype) ?? 0 }

    /// The length field and the JSON text, padded with spaces to a multiple of eight bytes.
    package var encoded: [UInt8] {
        var json = JSONText()
        json.append(verbatim: "{")
        if !metadata.isEmpty {
            json.append(string: Self.metadataKey)
            json.append(":{", metadata, "}") { json, entry in
                json.append(string: entry.key)
                json.append(verbatim: ":")
                json.append(string: entry.value)
            }
            if !entries.isEmpty { json.append(verbatim: ",") }
        }
        json.append("", entries, "}") { json, entry in
            json.append(string: entry.description.name)
            json.append(verbatim: ":{\"dtype\":\"\(entry.description.dtype.rawValue)\",\"shape\":")
            json.append("[", entry.description.shape.dimensions, "]") { $0.append(verbatim: "\($1)") }
            json.append(verbatim: ",\"data_offsets\":[\(entry.range.lowerBound),\(entry.range.upperBound)]}")
        }
        let padding = (8 - json.bytes.count % 8) % 8
        json.append(verbatim: String(repeating: " ", count: padding))
        let length = UInt64(json.bytes.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + json.bytes
    }
}

extension SafetensorsHeader {
    /// The header as it is written, before its figures are checked against each other.
    private struct Content {
        var metadata: OrderedDictionary<String, String> = [:]
        var tensors: [RawTensor] = []

        init(json: [UInt8]) throws(JSONScanner.Failure) {
            var scanner = JSONScanner(json)
            var metadata: OrderedDictionary<String, String> = [:]
            var tensors: [RawTensor] = []
            try scanner.object { (scanner, key, offset) throws(JSONScanner.Failure) in
                if key == SafetensorsHeader.metadataKey {
                    if try scanner.scan("null") { return }
                    try scanner.object { (scanner, key, _) throws(JSONScanner.Failure) in
                        metadata[key] = try scanner.string()
                    }
                } else {
                    tensors.append(try RawTensor(name: key, offset: offset, scanner: &scanner))
                }
            }
            try scanner.end()
            self.metadata = metadata
            self.tensors = tensors
        }
    }

    /// One tensor's entry as it is written.
    private struct RawTensor {
        let name: String
        let offset: Int
        let dtype: String
        let shape: [Int]
        let dataOffsets: (start: Int, end: Int)

        init(name: String, offset: Int, scanner: inout JSONScanner) throws(JSONScanner.Failure) {
            var dtype: String?
            var shape: [Int]?
            var dataOffsets: [Int]?
            try scanner.object { (scanner, key, _) throws(JSONScanner.Failure) in
                switch key {
                case "dtype": dtype = try scanner.string()
                case "shape": shape = try Self.integers(&scanner)
                case "data_offsets": dataOffsets = try Self.integers(&scanner)
                // The reference library ignores other fields.
                default: try scanner.skipValue()
                }
            }
            func missing(_ field: String) -> JSONScanner.Failure {
                JSONScanner.Failure(
                    offset: offset, found: "no \(field) for tensor \(name.debugDescription)",
                    expected: "dtype, shape and data_offsets")
            }
            guard let dtype else { throw missing("dtype") }
            guard let shape else { throw missing("shape") }
            guard let dataOffsets else { throw missing("data_offsets") }
            guard dataOffsets.count == 2 else {
                throw JSONScanner.Failure(
                    offset: offset, found: "\(dataOffsets.count) data_offsets for tensor \(name.debugDescription)",
                    expected: "2")
            }
            self.name = name
            self.offset = offset
            self.dtype = dtype
            self.shape = shape
            self.dataOffsets = (dataOffsets[0], dataOffsets[1])
        }

        private static func integers(_ scanner: inout JSONScanner) throws(JSONScanner.Failure) -> [Int] {
            var values: [Int] = []
            try scanner.array { (scanner) throws(JSONScanner.Failure) in
                // Sizes beyond Int's range could not be addressed.
                let start = scanner.offset
                let value = try scanner.integer(Int.self)
                guard value >= 0 else {
                    throw JSONScanner.Failure(
                        offset: start, found: "\(value)", expected: "a number from 0 to \(Int.max)")
                }
                values.append(value)
            }
            return values
        }

        /// Checks type, shape and offsets against each other.
        func entry() throws(Problem) -> Entry {
            guard let dtype = DType(rawValue: self.dtype), !dtype.isBlockQuantised else {
                let known = DType.allCases.filter { !$0.isBlockQuantised }.map(\.rawValue).joined(separator: ", ")
                throw Problem(
                    tensor: name, offset: offset, found: "the type \(self.dtype.debugDescription)",
                    expected: "one of \(known)")
            }
            let description: TensorDescription
            do throws(TensorError) {
                description = try TensorDescription(name: name, dtype: dtype, shape: Shape(shape))
            } catch {
                throw Problem(
                    tensor: name, offset: offset, found: "the shape \(Shape(shape)) of \(dtype.rawValue)",
                    expected: "whole bytes and a size that can be addressed")
            }
            let (start, end) = dataOffsets
            guard start <= end, end - start == description.byteCount else {
                throw Problem(
                    tensor: name, offset: offset, found: "data_offsets [\(start), \(end)]",
                    expected: "\(description.byteCount) bytes for \(dtype.rawValue) \(description.shape)")
            }
            return Entry(description: description, range: start..<end)
        }
    }
}
