import CheckpointFormat
import Codecs
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct RoundTripTests {
    let folder: TemporaryFolder
    let path: FilePath

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("run.crux")
    }

    /// Writes one tensor of bytes and reads it back in every way.
    func check(_ bytes: [UInt8], _ dtype: DType, options: WriterOptions) throws -> StoredTensor {
        let block = dtype.block
        let shape = Shape([bytes.count / block.byteCount * block.elementCount])
        let description = try TensorDescription(name: "w", dtype: dtype, shape: shape)
        #expect(description.byteCount == bytes.count)
        let writer = try CheckpointWriter.create(at: path, options: options)
        try writer.append(description, bytes: unsafe bytes.span.bytes)
        let summary = try writer.finish()
        let reader = try CheckpointReader(path: path)
        let tensor = try reader.requiredTensor(named: "w")
        #expect(try reader.readBytes(of: tensor) == bytes)
        #expect(
            unsafe tensor.digest == ContentDigest.tensor(dtype: dtype, shape: shape, bytes: bytes.span.bytes))
        #expect(summary.weightsDigest == ContentDigest.weights(of: [("w", tensor.digest)]))
        #expect(summary.contentByteCount == bytes.count)
        #expect(summary.byteCount == reader.fileByteCount)
        #expect(tensor.storedByteCount <= bytes.count)
        let report = Verifier.verify(path: path)
        #expect(report.findings == [])
        return tensor
    }

    @Test(arguments: DType.allCases, WriterOptions.CodecChoice.allCases)
    func everyTypeComesBack(dtype: DType, codec: WriterOptions.CodecChoice) throws {
        var generator = SeededGenerator(seed: UInt64(dtype.block.byteCount))
        let blocks = generator.bytes(dtype.block.byteCount * 40)
        let repeated = (0..<5).flatMap { _ in blocks }
        for bytes in [[], blocks, repeated, [UInt8](repeating: 0, count: blocks.count)] {
            _ = try check(bytes, dtype, options: WriterOptions(codec: codec, chunkByteCount: 512))
        }
    }

    @Test(arguments: [-65, -64, -1, 0, 1, 64])
    func chunkBoundaries(difference: Int) throws {
        var generator = SeededGenerator(seed: 6)
        for chunkCount in 1...3 {
            let bytes = generator.bytes(chunkCount * 4096 + difference)
            let tensor = try check(bytes, .u8, options: WriterOptions(chunkByteCount: 4096, workerCount: 2))
            #expect(tensor.chunks.count == (bytes.count + 4095) / 4096)
        }
    }

    @Test(arguments: [(1 << 20) - 4, 1 << 20, (1 << 20) + 4, 5 << 20])
    func leavesOfTheDigest(count: Int) throws {
        var generator = SeededGenerator(seed: 7)
        let bytes = generator.bytes(count)
        let whole = try check(bytes, .f32, options: WriterOptions()).digest
        for chunkByteCount in [1 << 16, 3 << 19, 1 << 22] {
            let other = try check(bytes, .f32, options: WriterOptions(chunkByteCount: chunkByteCount))
            #expect(other.digest == whole)
        }
    }

    @Test func piecesOfAnySizeGiveTheSameFile() throws {
        var generator = SeededGenerator(seed: 8)
        let bytes = generator.bytes(50_000)
        let options = WriterOptions(chunkByteCount: 1024, workerCount: 2)
        _ = try check(bytes, .f32, options: options)
        let whole = try path.readBytes()
        for limit in [1, 100, 1024, 5000, 20_000] {
            let writer = try CheckpointWriter.create(at: path, options: options)
            try writer.beginTensor(TensorDescription(name: "w", dtype: .f32, shape: [12_500]))
            var offset = 0
            while offset < bytes.count {
                let count = min(Int.random(in: 0...limit, using: &generator), bytes.count - offset)
                try writer.write(unsafe bytes.span.bytes.extracting(offset..<offset + count))
                offset += count
            }
            try writer.endTensor()
            try writer.finish()
            #expect(try path.readBytes() == whole)
        }
        let writer = try CheckpointWriter.create(at: path, options: options)
        try writer.append(TensorDescription(name: "w", dtype: .f32, shape: [12_500])) { range, piece in
            for index in range {
                piece.storeBytes(of: bytes[index], toByteOffset: index - range.lowerBound, as: UInt8.self)
            }
        }
        try writer.finish()
        #expect(try path.readBytes() == whole)
    }

    @Test func everyBitPatternOfHalfFloatsComesBack() throws {
        let bytes = (UInt16.min ... .max).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        for dtype in [DType.f16, .bf16] {
            let tensor = try check(bytes, dtype, options: WriterOptions())
            #expect(tensor.storedByteCount < bytes.count)
        }
    }

    @Test func specialFloatsComeBack() throws {
        let patterns: [UInt32] = [
            0x7FC0_0001, 0xFF80_0001, 0x7F80_0001, 0x8000_0000, 0, 0x7F80_0000, 0xFF80_0000, 1, 0xFFFF_FFFF,
        ]
        let words = (0..<4096).map { patterns[$0 % patterns.count] &+ UInt32($0 / 512) }
        let bytes = SmallCheckpoint.floats(words.map(Float.init(bitPattern:)))
        _ = try check(bytes, .f32, options: WriterOptions())
    }

    @Test func weightsGetSmallerAndNoiseNeverMuchLarger() throws {
        var generator = SeededGenerator(seed: 9)
        // Sums of uniform numbers: near enough to a normal distribution.
        let weights = (0..<1 << 19).map { _ in
            (0..<6).reduce(Float(0)) { sum, _ in sum + Float.random(in: -0.02...0.02, using: &generator) }
        }
        let tensor = try check(SmallCheckpoint.floats(weights), .f32, options: WriterOptions())
        #expect(tensor.codecNames == ["rotated planes + zstd"])
        #expect(Double(tensor.description.byteCount) / Double(tensor.storedByteCount) > 1.15)

        let noise = generator.bytes(1 << 21)
        let raw = try check(noise, .f32, options: WriterOptions())
        #expect(raw.codecNames == ["raw"])
        let fileByteCount = try CheckpointReader(path: path).fileByteCount
        #expect(Double(fileByteCount) <= 1.001 * Double(noise.count))
    }

    @Test func randomCheckpointsComeBack() throws {
        var generator = SeededGenerator(seed: 10)
        for _ in 0..<60 {
            let options = WriterOptions(
                codec: Bool.random(using: &generator) ? .best : .raw,
                chunkByteCount: 64 * Int.random(in: 1...40, using: &generator),
                workerCount: Int.random(in: 1...3, using: &generator))
            var contents: OrderedDictionary<TensorDescription, [UInt8]> = [:]
            for index in 0..<Int.random(in: 0...8, using: &generator) {
                let dtype = DType.allCases.randomElement(using: &generator) ?? .f32
                let role = TensorRole.allCases.randomElement(using: &generator) ?? .weight
                let rows = Int.random(in: 0...5, using: &generator)
                let blocks = Int.random(in: 0...30, using: &generator)
                let description = try TensorDescription(
                    name: "t\(index)", dtype: dtype, shape: [rows, blocks * dtype.block.elementCount], role: role)
                let noise = generator.bytes(description.byteCount)
                contents[description] = Bool.random(using: &generator) ? noise : noise.map { $0 & 3 }
            }
            let writer = try CheckpointWriter.create(at: path, options: options)
            for (description, bytes) in contents { try writer.append(description, bytes: unsafe bytes.span.bytes) }
            try writer.finish()
            let reader = try CheckpointReader(path: path)
            #expect(reader.tensors.map(\.description) == Array(contents.keys))
            for tensor in reader.tensors {
                #expect(try reader.readBytes(of: tensor) == contents[tensor.description])
            }
            #expect(Verifier.verify(path: path).findings == [])
            let weights = reader.tensors.filter { $0.description.role == .weight }.map { ($0.name, $0.digest) }
            #expect(reader.weightsDigest == ContentDigest.weights(of: weights.reversed()))
        }
    }
}
