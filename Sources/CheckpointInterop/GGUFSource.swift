public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// One GGUF file.
///
/// The format has no checksums: only the header can be found to be wrong.
public struct GGUFSource: CheckpointSource {
    /// The file.
    public let path: FilePath
    /// Always this kind.
    public let format = CheckpointFileFormat.gguf
    /// The version of the file.
    public var formatVersion: String? { "\(header.version)" }
    /// The metadata in the order of the file, less the entry that holds the tensors' roles.
    public let metadata: Metadata
    /// What is not as it would be written back: another version, bytes in paddings or after the data.
    public let omissions: [Omission]
    /// The header as it was read.
    public let header: GGUFHeader
    private let raw: RawTensors

    /// Opens a file and checks its header by every rule of the format.
    ///
    /// - Throws: ``CheckpointError`` naming the rule that is broken and where.
    public init(path: FilePath) throws(CheckpointError) {
        self.path = path
        let file = try InputFile(path: path)
        let (header, bytes) = try Self.header(of: file)
        let roles = try TensorRoles(text: header.metadata[TensorRoles.key]?.stringValue, path: path)
        for entry in header.entries where header.dataOffset + entry.range.upperBound > file.byteCount {
            throw CheckpointError(
                .truncated, path: path,
                place: CheckpointPlace(
                    tensor: entry.description.name,
                    byteRange: header.dataOffset + entry.range.lowerBound..<header.dataOffset + entry.range.upperBound),
                problem: "the file ends before the tensor does",
                comparison: .values(
                    found: "\(file.byteCount) bytes",
                    expected: "at least \(header.dataOffset + entry.range.upperBound)"))
        }
        self.header = header
        metadata = header.metadata.filter { $0.key != TensorRoles.key || $0.value.type != .string }
        raw = RawTensors(
            header.entries.map { entry in
                (
                    roles.assigningRole(to: entry.description),
                    header.dataOffset + entry.range.lowerBound..<header.dataOffset + entry.range.upperBound
                )
            }, in: file)
        omissions = try Self.omissions(header, bytes: bytes, file: file)
    }

    /// The size of the file in bytes.
    public var fileByteCount: Int { raw.file.byteCount }

    /// The tensors in the order of the file.
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

    /// The header's size stands nowhere, so ever more of the file is read until it is whole.
    private static func header(of file: InputFile) throws(CheckpointError) -> (GGUFHeader, bytes: [UInt8]) {
        let limit = min(file.byteCount, GGUFHeader.byteCountLimit)
        var count = min(limit, 1 << 20)
        while true {
            let bytes = try file.read(0..<count)
            do throws(CheckpointError) {
                return (try GGUFHeader(parsing: bytes, path: file.path), bytes)
            } catch {
                guard error.kind == .truncated, count < file.byteCount else { throw error }
                guard count < limit else {
                    throw CheckpointError(
                        .invalid, path: file.path, place: CheckpointPlace(section: "header"),
                        problem: "the header is too long",
                        comparison: .values(found: "more than \(limit) bytes", expected: "at most \(limit)"))
                }
            }
            count = min(limit, count * 4)
        }
    }

    /// Compares the file with what would be written for it.
    private static func omissions(
        _ header: GGUFHeader, bytes: [UInt8], file: InputFile
    ) throws(CheckpointError) -> [Omission] {
        var omissions: [Omission] = []
        if header.version != GGUFHeader.writtenVersion {
            omissions.append(Omission("version \(header.version) of GGUF; \(GGUFHeader.writtenVersion) is written"))
        } else if !header.isWrittenAs(bytes) {
            omissions.append(Omission("bools that are neither 0 nor 1; they are true, and 1 is written"))
        }
        let nonzero = try paddings(of: header, bytes: bytes, file: file)
        if nonzero > 0 { omissions.append(Omission("\(nonzero) bytes in paddings that are not zero")) }
        if file.byteCount > header.byteCount {
            omissions.append(Omission("\(file.byteCount - header.byteCount) bytes after the data"))
        } else if file.byteCount < header.byteCount {
            omissions.append(Omission("the end without its padding; it is written"))
        }
        return omissions
    }

    /// The number of bytes that are not zero between the tensors.
    private static func paddings(
        of header: GGUFHeader, bytes: [UInt8], file: InputFile
    ) throws(CheckpointError) -> Int {
        var gaps = [header.unpaddedByteCount..<header.dataOffset]
        for entry in header.entries {
            let end = header.dataOffset + entry.range.upperBound
            gaps.append(end..<end.aligned(to: header.alignment))
        }
        var count = 0
        for gap in gaps {
            let part = min(gap.lowerBound, file.byteCount)..<min(gap.upperBound, file.byteCount)
            var start = part.lowerBound
            while start < part.upperBound {
                let end = min(part.upperBound, start + 1 << 20)
                for byte in try file.read(start..<end) where byte != 0 { count += 1 }
                start = end
            }
        }
        return count
    }
}
