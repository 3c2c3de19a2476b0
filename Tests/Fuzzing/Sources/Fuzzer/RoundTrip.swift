import CheckpointFormat
import SystemPackage
import TensorCore

/// A tensor whose content a fuzzer chooses, stored and read back: alone, and as a delta against another one.
struct RoundTrip {
    private let description: TensorDescription
    private let content: [UInt8]
    private let base: [UInt8]
    private let chunkByteCount: Int

    private static let dtypes: [DType] = [.f32, .bf16, .f64, .f16, .u8, .i64, .bool, .q8_0]

    /// The first byte chooses type and chunk size, and how often content repeats; the rest is content and base.
    init?(_ bytes: [UInt8]) {
        guard let choice = bytes.first else { return nil }
        let dtype = Self.dtypes[Int(choice & 7)]
        let rest = bytes.dropFirst()
        let block = dtype.block
        let blockCount = rest.count / 2 / block.byteCount
        // Repeated, so that chunks of the usual size are made of few bytes.
        let copies = choice & 0x40 == 0 ? 1 : 16
        let count = blockCount * block.byteCount
        guard
            let description = try? TensorDescription(
                name: "t", dtype: dtype, shape: Shape([copies * blockCount * block.elementCount]), role: .weight)
        else { return nil }
        self.description = description
        content = Array(repeatElement(rest.prefix(count), count: copies).joined())
        base = Array(repeatElement(rest.dropFirst(count).prefix(count), count: copies).joined())
        chunkByteCount = [64, 1024, 4096, 1 << 20][Int(choice >> 3 & 3)]
    }

    func run(in file: ScratchFile) {
        do {
            let options = WriterOptions(chunkByteCount: chunkByteCount, workerCount: 1)
            try write(base, to: file.path, options, base: nil)
            let reader = try CheckpointReader(path: file.path)
            try check(reader, base)
            try write(content, to: file.otherPath, options, base: reader)
            try check(CheckpointReader(path: file.otherPath, bases: BaseSearch(paths: [file.path])), content)
        } catch {
            fatalError("a round trip failed: \(error)")
        }
    }

    private func write(
        _ content: [UInt8], to path: FilePath, _ options: WriterOptions, base: CheckpointReader?
    ) throws {
        let writer = try CheckpointWriter.create(at: path, options: options, base: base)
        try writer.append(description, bytes: content.span.bytes)
        try writer.finish()
    }

    private func check(_ reader: CheckpointReader, _ expected: [UInt8]) throws {
        let read = try reader.readBytes(of: reader.requiredTensor(named: "t"))
        precondition(read == expected, "another content was read than written")
    }
}
