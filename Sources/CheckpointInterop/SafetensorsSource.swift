public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// One safetensors file.
///
/// The format has no checksums: only the header can be found to be wrong.
public struct SafetensorsSource: CheckpointSource {
    /// The file.
    public let path: FilePath
    /// Always this kind.
    public let format = CheckpointFileFormat.safetensors
    /// Nil: the format has no version.
    public let formatVersion: String? = nil
    /// The strings of `__metadata__`, and typed values where crux wrote them.
    public let metadata: Metadata
    private let raw: RawTensors

    /// Opens a file and checks its header by every rule of the format.
    ///
    /// - Throws: ``CheckpointError`` naming the rule that is broken and where.
    public init(path: FilePath) throws(CheckpointError) {
        self.path = path
        let file = try InputFile(path: path)
        let headerByteCount = try Self.headerByteCount(of: file)
        let dataStart = 8 + headerByteCount
        let json = try file.read(8..<dataStart)
        let header: SafetensorsHeader
        do throws(SafetensorsHeader.Problem) {
            header = try SafetensorsHeader(json: json, dataByteCount: file.byteCount - dataStart)
        } catch {
            throw error.error(path: path)
        }
        let typed = try TypedMetadata(strings: header.metadata, path: path)
        metadata = typed.metadata
        raw = RawTensors(
            header.entries.map { entry in
                (
                    typed.roles.assigningRole(to: entry.description),
                    dataStart + entry.range.lowerBound..<dataStart + entry.range.upperBound
                )
            }, in: file)
    }

    /// The size of the file in bytes.
    public var fileByteCount: Int { raw.file.byteCount }

    /// The tensors in the order of their bytes.
    public var tensors: [TensorDescription] { raw.tensors }

    /// The tensor of that name.
    public func tensor(named name: String) -> TensorDescription? { raw.tensor(named: name) }

    /// How a tensor of this checkpoint is stored.
    public func storage(of tensor: TensorDescription) -> TensorStorage { raw.storage(of: tensor) }

    /// Replaces the buffer's content by one chunk; see ``CheckpointSource/readChunk(_:of:into:)``.
    public func readChunk(
        _ chunk: Int, of tensor: TensorDescription, into buffer: inout [UInt8]
    ) throws(CheckpointError) {
        try raw.readChunk(chunk, of: tensor, into: &buffer)
    }

    /// Reads the length field and checks it before anything of that length is read.
    private static func headerByteCount(of file: InputFile) throws(CheckpointError) -> Int {
        func failure(_ kind: CheckpointError.Kind, _ problem: String, _ found: String, _ expected: String)
            -> CheckpointError
        {
            CheckpointError(
                kind, path: file.path,
                place: CheckpointPlace(section: "header", field: "length", byteRange: 0..<8), problem: problem,
                comparison: .values(found: found, expected: expected))
        }
        guard file.byteCount >= 8 else {
            throw failure(
                .truncated, "the file ends inside the length of its header", "\(file.byteCount) bytes", "at least 8")
        }
        let length = try file.read(0..<8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(SafetensorsHeader.byteCountLimit) else {
            throw failure(
                .invalid, "the header is too long", "\(length) bytes",
                "at most \(SafetensorsHeader.byteCountLimit)")
        }
        guard length <= UInt64(file.byteCount - 8) else {
            throw failure(
                .truncated, "the file ends inside its header", "\(file.byteCount - 8) bytes after the length",
                "\(length)")
        }
        return Int(length)
    }
}

extension SafetensorsHeader.Problem {
    /// The same as an error about a file.
    func error(path: FilePath) -> CheckpointError {
        CheckpointError(
            isTruncation ? .truncated : .invalid, path: path,
            place: CheckpointPlace(section: "header", tensor: tensor, byteRange: 8 + offset..<9 + offset),
            problem: "breaks the format's rules", comparison: .values(found: found, expected: expected))
    }
}
