public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// Writes a safetensors file tensor by tensor; it appears under its name only when it is complete.
///
/// The header comes first, so all tensors are described at the start and their bytes follow in the order of
/// ``tensors``: the widest types first, then by name, as the reference library writes them. Without
/// ``finish()`` nothing is left behind and the target stays as it was.
public struct SafetensorsWriter: ~Copyable {
    /// The tensors in the order in which their bytes have to come.
    public let tensors: [TensorDescription]
    private let path: FilePath
    private let file: OutputFile
    private let headerByteCount: Int
    private let byteCount: Int

    /// Begins a file.
    ///
    /// - Parameters:
    ///   - metadata: `__metadata__`, in this order.
    ///   - tensors: In any order; roles are not written, ``Conversion`` keeps them in the metadata.
    /// - Throws: ``CheckpointError`` for a tensor or metadata that the format cannot hold, and where the file
    ///   cannot be created.
    public static func create(
        at path: FilePath, metadata: OrderedDictionary<String, String> = [:],
        tensors: some Sequence<TensorDescription>
    ) throws(CheckpointError) -> SafetensorsWriter {
        let tensors = Array(tensors)
        var names: Set<String> = []
        for tensor in tensors {
            guard !tensor.dtype.isBlockQuantised else {
                throw refusal(path, tensor.name, found: tensor.dtype.rawValue, expected: "a type of safetensors")
            }
            guard tensor.name != SafetensorsHeader.metadataKey else {
                throw refusal(path, tensor.name, found: "the reserved name", expected: "another name")
            }
            guard names.insert(tensor.name).inserted else {
                throw refusal(path, tensor.name, found: "the name a second time", expected: "each name once")
            }
        }
        let header = SafetensorsHeader(metadata: metadata, tensors: tensors)
        let encoded = header.encoded
        guard encoded.count - 8 <= SafetensorsHeader.byteCountLimit else {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(section: "header"), problem: "safetensors cannot hold it",
                comparison: .values(
                    found: "\(encoded.count - 8) bytes", expected: "at most \(SafetensorsHeader.byteCountLimit)"))
        }
        let file = try OutputFile.create(at: path)
        try file.write(encoded)
        return SafetensorsWriter(
            tensors: header.entries.map(\.description), path: path, file: file, headerByteCount: encoded.count,
            byteCount: encoded.count + (header.entries.last?.range.upperBound ?? 0))
    }

    private init(tensors: [TensorDescription], path: FilePath, file: OutputFile, headerByteCount: Int, byteCount: Int) {
        self.tensors = tensors
        self.path = path
        self.file = file
        self.headerByteCount = headerByteCount
        self.byteCount = byteCount
    }

    deinit { file.discard() }

    /// Adds the next bytes of the tensors, in pieces of any size.
    ///
    /// - Throws: ``CheckpointError`` where there are more than the tensors have, or the file cannot be written.
    public borrowing func write(_ bytes: RawSpan) throws(CheckpointError) {
        guard bytes.byteCount <= byteCount - file.byteCount else {
            throw miscount(found: file.byteCount + bytes.byteCount)
        }
        try file.write(bytes)
    }

    /// Adds the next bytes of the tensors, as ``write(_:)-(RawSpan)``.
    public borrowing func write(_ bytes: [UInt8]) throws(CheckpointError) { try unsafe write(bytes.span.bytes) }

    /// Makes the file durable and gives it its name.
    ///
    /// - Throws: ``CheckpointError`` where bytes are missing, or the file cannot be written.
    public consuming func finish() throws(CheckpointError) {
        guard file.byteCount == byteCount else { throw miscount(found: file.byteCount) }
        try file.finish()
    }

    private borrowing func miscount(found: Int) -> CheckpointError {
        CheckpointError(
            .invalid, path: path, problem: "another number of bytes than the tensors have",
            comparison: .values(found: "\(found - headerByteCount)", expected: "\(byteCount - headerByteCount)"))
    }

    private static func refusal(
        _ path: FilePath, _ tensor: String, found: String, expected: String
    ) -> CheckpointError {
        CheckpointError(
            .invalid, path: path, place: CheckpointPlace(tensor: tensor), problem: "safetensors cannot hold it",
            comparison: .values(found: found, expected: expected))
    }
}
