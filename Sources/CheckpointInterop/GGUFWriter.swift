public import CheckpointFormat
public import OrderedCollections
public import SystemPackage
public import TensorCore

/// Writes a GGUF file (version 3) tensor by tensor; it appears under its name only when it is complete.
///
/// The header comes first, so all tensors are described at the start and their bytes follow in the same order.
/// The alignment is that of the metadata's `general.alignment` (uint32), else 32. Without ``finish()`` nothing is
/// left behind and the target stays as it was.
public final class GGUFWriter: TensorFileWriter {
    private let content: TensorSequence

    /// Begins a file.
    ///
    /// - Parameters:
    ///   - metadata: Written one to one, in this order.
    ///   - tensors: Written in this order. Roles other than weight are kept in the metadata entry `crux.roles`.
    /// - Throws: ``CheckpointError`` for a tensor or metadata that the format cannot hold, and where the file
    ///   cannot be created.
    public static func create(
        at path: FilePath, metadata: Metadata = [:], tensors: some Sequence<TensorDescription>
    ) throws(CheckpointError) -> GGUFWriter {
        let tensors = Array(tensors)
        var names: Set<String> = []
        for tensor in tensors where !names.insert(tensor.name).inserted {
            throw CheckpointError(
                .invalid, path: path, place: CheckpointPlace(tensor: tensor.name), problem: "GGUF cannot hold it",
                comparison: .values(found: "the name a second time", expected: "each name once"))
        }
        var metadata = metadata
        if let roles = TensorRoles.text(of: tensors) { metadata[TensorRoles.key] = .string(roles) }
        let header = try GGUFHeader(metadata: metadata, tensors: tensors, path: path)
        let file = try OutputFile.create(at: path)
        try file.write(header.encoded)
        return GGUFWriter(TensorSequence(tensors, to: file, alignment: header.alignment))
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
}
