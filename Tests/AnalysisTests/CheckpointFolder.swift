import CheckpointFormat
import CheckpointInterop
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport

/// A tensor with its content as bytes.
struct SampleTensor {
    let description: TensorDescription
    let bytes: [UInt8]

    init(_ name: String, _ dtype: DType, _ shape: Shape, _ bytes: [UInt8], role: TensorRole = .weight) throws {
        description = try TensorDescription(name: name, dtype: dtype, shape: shape, role: role)
        self.bytes = bytes
    }

    /// F32.
    init(_ name: String, _ shape: Shape, _ values: [Float], role: TensorRole = .weight) throws {
        try self.init(name, .f32, shape, littleEndian(values.map(\.bitPattern)), role: role)
    }
}

/// The bytes of integers, least significant first.
func littleEndian<Bits: FixedWidthInteger & UnsignedInteger>(_ values: [Bits]) -> [UInt8] {
    values.flatMap { value in (0..<Bits.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
}

/// Writes small checkpoints into a temporary folder.
struct CheckpointFolder {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    func crux(
        _ name: String, _ tensors: [SampleTensor], metadata: Metadata = [:], chunkByteCount: Int = 1 << 20,
        codec: WriterOptions.CodecChoice = .best
    ) throws -> CruxSource {
        let writer = try CheckpointWriter.create(
            at: folder.file(name), options: WriterOptions(codec: codec, chunkByteCount: chunkByteCount))
        for (key, value) in metadata { writer.setMetadata(key, value) }
        for tensor in tensors { try unsafe writer.append(tensor.description, bytes: tensor.bytes.span.bytes) }
        try writer.finish()
        return try CruxSource(path: folder.file(name))
    }

    func safetensors(
        _ name: String, _ tensors: [SampleTensor], metadata: OrderedDictionary<String, String> = [:]
    ) throws -> SafetensorsSource {
        let writer = try SafetensorsWriter.create(
            at: folder.file(name), metadata: metadata, tensors: tensors.map(\.description))
        for description in writer.tensors {
            for tensor in tensors where tensor.description.name == description.name { try writer.write(tensor.bytes) }
        }
        try writer.finish()
        return try SafetensorsSource(path: folder.file(name))
    }
}
