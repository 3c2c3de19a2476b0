public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// Writes a safetensors file tensor by tensor; it appears under its name only when it is complete.
///
/// The header comes first, so all tensors are described at the start and their bytes follow in the order of
/// ``tensors``: the widest types first, then by name, as the reference library writes them. Without
/// ``finish()`` nothing is left behind and the target stays as it was.
public final class SafetensorsWriter: TensorFileWriter {
    private let content: TensorSequence

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
        return SafetensorsWriter(TensorSequence(header.entries.map(\.description), to: file))
    }

    private init(_ content: TensorSequence) { self.content = content }

    /// The tensors in the order in which their bytes have to come.
    public var tensors: [TensorDescription] { content.tensors }

    /// Adds the next bytes of the tensors, in pieces of any size.
    ///
    /// - Throws: ``CheckpointError`` where there are more than the tensors have, or the file cannot be written.
    public func write(_ bytes: RawSpan) throws(CheckpointError) { try content.write(bytes) }

    /// Makes the file durable and gives it its name.
    ///
    /// - Throws: ``CheckpointError`` where bytes are missing, or the file cannot be written.
    public func finish() throws(CheckpointError) { try content.finish() }

    private static func refusal(
        _ path: FilePath, _ tensor: String, found: String, expected: String
    ) -> CheckpointError {
        CheckpointError(
            .invalid, path: path, place: CheckpointPlace(tensor: tensor), problem: "safetensors cannot hold it",
            comparison: .values(found: found, expected: expected))
    }
}
