import CheckpointFormat
import OrderedCollections
import SystemPackage
import TensorCore
import Testing

/// A checkpoint of a few kilobytes that has every part and codec a file can have.
enum SmallCheckpoint {
    /// Tensor names and their content in the order of the file.
    static let contents: OrderedDictionary<String, (dtype: DType, bytes: [UInt8])> = [
        "h.0.ln_1.weight": (.f32, floats((0..<100).map { 0.02 * Float($0 % 17) - 0.1 })),
        "zeros": (.bf16, [UInt8](repeating: 0, count: 128)),
        "text": (.u8, Array(String(repeating: "clip the ratio ", count: 20).utf8)),
        "empty": (.f32, []),
        "scalar": (.f64, [1, 2, 3, 4, 5, 6, 7, 8]),
    ]

    static func floats(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) } }
    }

    static func description(_ name: String) throws -> TensorDescription {
        let (dtype, bytes) = try #require(contents[name])
        let count = bytes.count / dtype.block.byteCount
        return try TensorDescription(name: name, dtype: dtype, shape: name == "scalar" ? [] : [count])
    }

    static func write(
        at path: FilePath, options: WriterOptions = WriterOptions(chunkByteCount: 256, workerCount: 2)
    ) throws {
        let writer = try CheckpointWriter.create(at: path, options: options)
        try fill(writer)
        try writer.finish()
    }

    static func fill(_ writer: CheckpointWriter) throws {
        writer.setMetadata(MetadataKey.kind, .string("policy"))
        writer.setMetadata(MetadataKey.step, .uint64(7))
        for (name, content) in contents {
            try writer.append(description(name), bytes: unsafe content.bytes.span.bytes)
        }
    }
}
