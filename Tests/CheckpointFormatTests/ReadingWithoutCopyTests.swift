import CheckpointFormat
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct ReadingWithoutCopyTests {
    let folder: TemporaryFolder
    let path: FilePath

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("run.crux")
    }

    func write(_ codec: WriterOptions.CodecChoice) throws {
        try SmallCheckpoint.write(at: path, options: WriterOptions(codec: codec, chunkByteCount: 256))
    }

    @Test(arguments: [true, false])
    func rawTensorsAreLentAsTheyLie(isChecked: Bool) throws {
        try write(.raw)
        let reader = try CheckpointReader(path: path)
        for tensor in reader.tensors {
            let (copy, address) = try reader.withBytes(of: tensor, checked: isChecked) { bytes in
                unsafe bytes.withUnsafeBytes { unsafe (Array($0), Int(bitPattern: $0.baseAddress)) }
            }
            #expect(copy == SmallCheckpoint.contents[tensor.name]?.bytes)
            #expect(address % 64 == 0)
        }
    }

    @Test func openingAndLendingReadNoContent() throws {
        let tensor = try TensorDescription(name: "w", dtype: .u8, shape: [1 << 22])
        let writer = try CheckpointWriter.create(at: path, options: WriterOptions(codec: .raw))
        try writer.append(tensor, bytes: unsafe [UInt8](repeating: 7, count: 1 << 22).span.bytes)
        try writer.finish()
        let reader = try CheckpointReader(path: path)
        let last = try reader.withBytes(of: reader.tensors[0], checked: false) { bytes in
            bytes.unsafeLast
        }
        #expect(last == 7)
        #expect(reader.file.readByteCount < 4096)
    }

    @Test func damageIsFoundWhereItIsAskedFor() throws {
        try write(.raw)
        let stored = try CheckpointReader(path: path).requiredTensor(named: "text")
        var bytes = try path.readBytes()
        bytes[stored.chunks[1].byteRange.lowerBound + 3] ^= 1
        try path.writeBytes(bytes)
        let reader = try CheckpointReader(path: path)
        let error = #expect(throws: CheckpointError.self) {
            try reader.withBytes(of: stored, checked: true) { _ in }
        }
        #expect(error?.kind == .damaged)
        #expect(error?.place.chunk == 1)
    }

    @Test func whatIsEncodedCannotBeLent() throws {
        try write(.best)
        let reader = try CheckpointReader(path: path)
        let error = #expect(throws: CheckpointError.self) {
            try reader.withBytes(of: reader.requiredTensor(named: "zeros"), checked: true) { _ in }
        }
        #expect(error?.problem == "the tensor is not stored raw, so that it has to be read")
        #expect(error?.found == "constant")
    }

    @Test(arguments: WriterOptions.CodecChoice.allCases)
    func severalTensorsAreReadIntoOneBuffer(codec: WriterOptions.CodecChoice) throws {
        try write(codec)
        let reader = try CheckpointReader(path: path)
        var offsets: [Int] = []
        var end = 5
        for tensor in reader.tensors {
            offsets.append(end)
            end += tensor.description.byteCount + 3
        }
        var buffer = [UInt8](repeating: 0xEE, count: end)
        try read(reader, reader.tensors, offsets, into: &buffer)
        for (tensor, offset) in zip(reader.tensors, offsets) {
            let expected = try #require(SmallCheckpoint.contents[tensor.name]?.bytes)
            #expect(Array(buffer[offset..<offset + expected.count]) == expected)
            #expect(buffer[offset + expected.count] == 0xEE)
        }
        for wrong in [offsets.reversed(), offsets.map { $0 - 6 }, offsets.map { $0 + 4 }, Array(offsets.dropLast())] {
            #expect(throws: CheckpointError.self) { try read(reader, reader.tensors, wrong, into: &buffer) }
        }
    }

    func read(
        _ reader: CheckpointReader, _ tensors: [StoredTensor], _ offsets: [Int], into buffer: inout [UInt8]
    ) throws {
        var span = buffer.mutableSpan
        var bytes = unsafe span.mutableBytes
        try reader.read(tensors, at: offsets, into: &bytes)
    }
}

extension RawSpan {
    fileprivate var unsafeLast: UInt8 { unsafe unsafeLoad(fromByteOffset: byteCount - 1, as: UInt8.self) }
}
