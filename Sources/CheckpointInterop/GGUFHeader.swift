public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// What stands before the data of a GGUF file: typed metadata, and which tensor lies where.
///
/// Reads versions 2 and 3, which have the same layout, and writes 3. Where the format's document and the code of
/// its reference reader (`gguf.cpp`) disagree, this follows the code.
public struct GGUFHeader: Sendable {
    /// One tensor and where its bytes lie, relative to the start of the data.
    public struct Entry: Hashable, Sendable {
        /// Name, type and shape. GGUF counts dimensions from the innermost; the shape is row-major as everywhere.
        public let description: TensorDescription
        /// Start and end of the content.
        public let range: Range<Int>
    }

    /// The file's first bytes.
    static let magic = Array("GGUF".utf8)
    /// The version that is written.
    static let writtenVersion: UInt32 = 3
    /// The key that sets the alignment.
    static let alignmentKey = "general.alignment"
    /// The alignment where the key is absent.
    static let defaultAlignment = 32
    /// The largest alignment that is written, so that a value in the metadata cannot blow a file up.
    static let maximumWrittenAlignment = 1 << 20
    /// The most dimensions of a tensor.
    static let maximumRank = 4
    /// The longest name of a tensor in bytes: `GGML_MAX_NAME` less its NUL.
    static let maximumNameByteCount = 63
    /// The longest header that is read, in bytes; real ones, with vocabularies of 256,000 tokens, have a tenth.
    static let byteCountLimit = 1 << 28

    /// The version of the file.
    public let version: UInt32
    /// The metadata in the order of the file.
    public let metadata: Metadata
    /// The tensors in the order of the file, which is that of their bytes.
    public let entries: [Entry]
    /// Every tensor starts at a multiple of this, in bytes.
    public let alignment: Int
    /// Where the data starts in the file.
    public let dataOffset: Int
    /// Where the padding before the data starts.
    let unpaddedByteCount: Int

    /// Where the last tensor's padding ends in the file.
    var byteCount: Int { dataOffset + (entries.last.map { $0.range.upperBound.aligned(to: alignment) } ?? 0) }
}

extension GGUFHeader {
    /// Reads a header, which may be followed by anything.
    ///
    /// - Parameters:
    ///   - bytes: The file from its start.
    ///   - path: The file's name for messages.
    /// - Throws: ``CheckpointError`` naming the rule that is broken and where; of kind `truncated` where `bytes`
    ///   end inside the header.
    public init(parsing bytes: [UInt8], path: FilePath) throws(CheckpointError) {
        var decoder = ByteDecoder(
            bytes, path: path, place: CheckpointPlace(section: "header"), fileOffset: 0, endsWithFile: true)
        let magic = try decoder.raw(4, "magic")
        guard magic == Self.magic else {
            throw decoder.failure(.notACheckpoint, field: "magic", from: 0, "is not a GGUF file")
        }
        version = try Self.version(&decoder)
        let tensorCount = try decoder.count("tensor count")
        let metadataCount = try decoder.count("metadata count")
        var rules = MetadataRules()
        rules.maximumArrayDepth = 1
        rules.allowsAnyTrueByte = true
        metadata = try decoder.metadata(count: metadataCount, rules: rules)
        do throws(AlignmentProblem) {
            alignment = try Self.alignment(in: metadata)
        } catch {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(section: "header", field: Self.alignmentKey),
                problem: "not an alignment",
                comparison: .values(found: error.found, expected: "a uint32 that is a power of two"))
        }
        entries = try Self.entries(count: tensorCount, alignment: alignment, &decoder)
        unpaddedByteCount = decoder.position
        dataOffset = decoder.position.aligned(to: alignment)
    }

    private static func version(_ decoder: inout ByteDecoder) throws(CheckpointError) -> UInt32 {
        let version: UInt32 = try decoder.integer("version")
        guard version & 0xFFFF != 0 || version == 0 else {
            throw decoder.failure(
                .unsupportedVersion, field: "version", from: 4, "the file is of a big-endian machine",
                found: "version \(version.byteSwapped) with its bytes swapped", expected: "little-endian numbers")
        }
        guard version == 2 || version == 3 else {
            throw decoder.failure(
                .unsupportedVersion, field: "version", from: 4, "a version that cannot be read",
                found: "\(version)", expected: "2 or 3")
        }
        return version
    }

    /// What is wrong with an alignment.
    struct AlignmentProblem: Error {
        let found: String
    }

    /// The alignment that the metadata sets, or the default.
    static func alignment(in metadata: Metadata) throws(AlignmentProblem) -> Int {
        guard let value = metadata[alignmentKey] else { return defaultAlignment }
        guard case .uint32(let alignment) = value, alignment.nonzeroBitCount == 1 else {
            throw AlignmentProblem(found: "\(MetadataText.text(of: value)) of type \(MetadataText.typeName(of: value))")
        }
        return Int(alignment)
    }

    private static func entries(
        count: Int, alignment: Int, _ decoder: inout ByteDecoder
    ) throws(CheckpointError) -> [Entry] {
        var entries: [Entry] = []
        var names: Set<String> = []
        var end = 0
        for _ in 0..<count {
            decoder.place = CheckpointPlace(section: "header")
            let start = decoder.position
            let name = try decoder.countedString("tensor name")
            guard name.utf8.count <= maximumNameByteCount else {
                throw decoder.failure(
                    field: "tensor name", from: start, "the name is too long", found: "\(name.utf8.count) bytes",
                    expected: "at most \(maximumNameByteCount)")
            }
            decoder.place = CheckpointPlace(section: "header", tensor: name)
            guard names.insert(name).inserted else {
                throw decoder.failure(field: "tensor name", from: start, "the name occurs twice")
            }
            let description = try description(of: name, &decoder)
            let offsetStart = decoder.position
            let offset: UInt64 = try decoder.integer("offset")
            guard offset == UInt64(end) else {
                throw decoder.failure(
                    field: "offset", from: offsetStart, "tensors must follow each other without gaps",
                    found: "\(offset)", expected: "\(end)")
            }
            let (tensorEnd, overflow) = end.addingReportingOverflow(description.byteCount)
            guard !overflow, tensorEnd <= Int.max / 2 - alignment else {
                throw decoder.failure(
                    field: "offset", from: offsetStart, "the tensors are larger than can be addressed")
            }
            entries.append(Entry(description: description, range: end..<tensorEnd))
            end = tensorEnd.aligned(to: alignment)
        }
        return entries
    }

    private static func description(
        of name: String, _ decoder: inout ByteDecoder
    ) throws(CheckpointError) -> TensorDescription {
        let start = decoder.position
        let rank: UInt32 = try decoder.integer("n_dims")
        guard rank <= maximumRank else {
            throw decoder.failure(
                field: "n_dims", from: start, "too many dimensions", found: "\(rank)",
                expected: "at most \(maximumRank)")
        }
        var dimensions: [Int] = []
        for index in 0..<rank {
            let start = decoder.position
            let size = Int64(bitPattern: try decoder.integer("ne[\(index)]", as: UInt64.self))
            guard size >= 0 else {
                throw decoder.failure(
                    field: "ne[\(index)]", from: start, "a size is negative", found: "\(size)",
                    expected: "0 or more")
            }
            dimensions.append(Int(size))
        }
        let typeStart = decoder.position
        let type: UInt32 = try decoder.integer("type")
        guard let dtype = DType(ggufType: type) else {
            let known = DType.allCases.filter { $0.ggufType != nil }.map(\.rawValue).joined(separator: ", ")
            throw decoder.failure(
                .unsupportedVersion, field: "type", from: typeStart, "a type that cannot be read",
                found: DType.otherGGUFTypes[type].map { "\($0) (\(type))" } ?? "\(type)", expected: "one of \(known)")
        }
        do throws(TensorError) {
            return try TensorDescription(name: name, dtype: dtype, shape: Shape(dimensions.reversed()))
        } catch {
            let problem: String
            switch error.problem {
            case .unrepresentableShape(let shape): problem = "\(shape) has more elements than can be addressed"
            case .partialBlock:
                problem = "ne[0] must be a multiple of \(dtype.block.elementCount), the block of \(dtype.rawValue)"
            }
            throw decoder.failure(field: "ne", from: start, problem)
        }
    }
}

extension GGUFHeader {
    /// Lays tensors out for writing, in the given order.
    ///
    /// - Throws: ``CheckpointError`` for what the format cannot hold.
    init(
        metadata: Metadata, tensors: some Sequence<TensorDescription>, path: FilePath
    ) throws(CheckpointError) {
        if let issue = Self.issues(metadata: metadata, tensors: tensors).first {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(tensor: issue.tensor, field: issue.metadataKey),
                problem: issue.problem)
        }
        let alignment = (try? Self.alignment(in: metadata)) ?? Self.defaultAlignment
        var end = 0
        version = Self.writtenVersion
        self.metadata = metadata
        self.alignment = alignment
        entries = tensors.map { tensor in
            defer { end = (end + tensor.byteCount).aligned(to: alignment) }
            return Entry(description: tensor, range: end..<(end + tensor.byteCount))
        }
        unpaddedByteCount = Self.encoded(metadata: metadata, entries: entries).count
        dataOffset = unpaddedByteCount.aligned(to: alignment)
    }

    /// The header's bytes as they are written, with the padding before the data.
    var encoded: [UInt8] {
        Self.encoded(metadata: metadata, entries: entries)
            + [UInt8](repeating: 0, count: dataOffset - unpaddedByteCount)
    }

    /// Whether these bytes of the file start with the header as it is written.
    func isWrittenAs(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: Self.encoded(metadata: metadata, entries: entries))
    }

    private static func encoded(metadata: Metadata, entries: [Entry]) -> [UInt8] {
        var encoder = ByteEncoder()
        encoder.raw(magic)
        encoder.integer(writtenVersion)
        encoder.integer(UInt64(entries.count))
        encoder.integer(UInt64(metadata.count))
        encoder.metadata(metadata)
        for entry in entries {
            let tensor = entry.description
            encoder.countedString(tensor.name)
            encoder.integer(UInt32(tensor.shape.rank))
            for size in tensor.shape.dimensions.reversed() { encoder.integer(UInt64(size)) }
            // Types that GGUF lacks are refused before.
            encoder.integer(tensor.dtype.ggufType ?? .max)
            encoder.integer(UInt64(entry.range.lowerBound))
        }
        return encoder.bytes
    }

    /// What the format cannot hold.
    static func issues(metadata: Metadata, tensors: some Sequence<TensorDescription>) -> [Conversion.Issue] {
        var issues: [Conversion.Issue] = []
        for (key, value) in metadata {
            if key.isEmpty {
                issues.append(Conversion.Issue(metadataKey: key, problem: "GGUF has no empty keys"))
            } else if key == alignmentKey {
                let alignment = try? alignment(in: metadata)
                if alignment.map({ $0 > maximumWrittenAlignment }) ?? true {
                    issues.append(
                        Conversion.Issue(
                            metadataKey: key,
                            problem: "GGUF's alignment is a uint32 and a power of two, here up to "
                                + "\(maximumWrittenAlignment)"))
                }
            } else if case .array(let array) = value, array.elementType == .array {
                issues.append(Conversion.Issue(metadataKey: key, problem: "GGUF's readers refuse arrays of arrays"))
            }
        }
        for tensor in tensors {
            if tensor.dtype.ggufType == nil {
                issues.append(Conversion.Issue(tensor: tensor.name, problem: "GGUF has no \(tensor.dtype.rawValue)"))
            } else if tensor.shape.rank > maximumRank {
                issues.append(
                    Conversion.Issue(
                        tensor: tensor.name,
                        problem: "GGUF has at most \(maximumRank) dimensions, not \(tensor.shape.rank)"))
            } else if tensor.name.utf8.count > maximumNameByteCount {
                issues.append(
                    Conversion.Issue(
                        tensor: tensor.name,
                        problem: "GGUF has names of at most \(maximumNameByteCount) bytes, not "
                            + "\(tensor.name.utf8.count)"))
            }
        }
        return issues
    }
}

extension Int {
    /// The next multiple of the alignment; the number itself where it is one.
    func aligned(to alignment: Int) -> Int { self + paddingCount(to: alignment) }
}
