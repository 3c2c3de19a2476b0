import CheckpointFormat
import Foundation
import OrderedCollections
import Synchronization
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct ReaderTests {
    let folder: TemporaryFolder
    let path: FilePath

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("run.crux")
    }

    @Test func readingOneTensorTouchesOnlyWhatItNeeds() throws {
        let writer = try CheckpointWriter.create(at: path)
        var generator = SeededGenerator(seed: 5)
        for index in 0..<20 {
            let bytes = generator.bytes(100_000)
            try writer.append(
                TensorDescription(name: "t\(index)", dtype: .u8, shape: [100_000]), bytes: unsafe bytes.span.bytes)
        }
        try writer.finish()
        let reader = try CheckpointReader(path: path)
        let opened = reader.file.readByteCount
        let metadataByteCount = 64 + 64
        // Of each tensor: entry, two counts, head, chunk table with one chunk.
        let indexBodyByteCount = 48 + 20 * (40 + 8 + 56 + 64 + 40) + 40
        let indexByteCount = 64 + (indexBodyByteCount + 63) / 64 * 64
        #expect(opened == 64 + 64 + metadataByteCount + indexByteCount)
        let tensor = try reader.requiredTensor(named: "t13")
        _ = try reader.readBytes(of: tensor)
        #expect(reader.file.readByteCount - opened == tensor.storedByteCount)
        #expect(tensor.storedByteCount == 100_000)
    }

    @Test func verificationReadsEveryByteOnce() throws {
        try SmallCheckpoint.write(at: path)
        let last = Mutex((0, 0))
        let report = Verifier.verify(path: path) { checked, total in last.withLock { $0 = (checked, total) } }
        #expect(report.isValid)
        #expect(report.tensorCount == 5)
        #expect(report.byteCount == last.withLock { $0.1 })
        // Header, index and trailer are checked before the first report.
        let rest = last.withLock { $0.1 - $0.0 }
        #expect(rest > 128 && rest < report.byteCount)
    }

    @Test func floatsOfEveryWidth() throws {
        let writer = try CheckpointWriter.create(at: path)
        let values: [Float] = [0, -0.0, 1, -2.5, .infinity, -.infinity]
        func append(_ name: String, _ dtype: DType, _ bytes: [UInt8]) throws {
            try writer.append(
                TensorDescription(name: name, dtype: dtype, shape: [values.count]), bytes: unsafe bytes.span.bytes)
        }
        func bytes<Bits: FixedWidthInteger>(_ words: [Bits]) -> [UInt8] {
            words.flatMap { word in
                stride(from: 0, to: Bits.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: word >> Bits($0)) }
            }
        }
        try append("f32", .f32, bytes(values.map(\.bitPattern)))
        try append("f16", .f16, bytes(values.map { Float16($0).bitPattern }))
        try append("bf16", .bf16, bytes(values.map { BFloat16($0).bitPattern }))
        try append("f64", .f64, bytes(values.map { Double($0).bitPattern }))
        try append("i32", .i32, bytes([Int32](1...6)))
        try writer.finish()
        let reader = try CheckpointReader(path: path)
        for name in ["f32", "f16", "bf16", "f64"] {
            #expect(try reader.readFloats(named: name).map(\.bitPattern) == values.map(\.bitPattern))
        }
        let error = try #require(throws: CheckpointError.self) { try reader.readFloats(named: "i32") }
        #expect(
            error.detail == "tensor 'i32': the elements cannot be read as floats: found I32, "
                + "expected F32, F16, BF16 or F64")
    }

    @Test func whatIsMissingIsNamed() throws {
        try SmallCheckpoint.write(at: path)
        let reader = try CheckpointReader(path: path)
        #expect(reader.tensor(named: "nope") == nil)
        let error = try #require(throws: CheckpointError.self) { try reader.readFloats(named: "no\npe") }
        #expect(error.description == "\(path): tensor 'no\\u{a}pe': there is no such tensor")
        #expect(error.kind == .missing)
        let noFile = try #require(throws: CheckpointError.self) { try CheckpointReader(path: "/nonexistent") }
        #expect(noFile.description == "/nonexistent: cannot open: No such file or directory")
        #expect(noFile.kind == .missing)
        #expect(Verifier.verify(path: "/nonexistent").couldNotRun)
    }

    @Test func whatIsNoFileIsRefused() throws {
        let error = try #require(throws: CheckpointError.self) { try CheckpointReader(path: "/") }
        #expect(error.description == "/: is a folder")
        let device = try #require(throws: CheckpointError.self) { try CheckpointReader(path: "/dev/null") }
        #expect(device.description == "/dev/null: is not a regular file")
    }

    @Test func anythingElseIsNoCheckpoint() throws {
        for content in ["", "hello", String(repeating: "{}", count: 500)] {
            try path.writeBytes(Array(content.utf8))
            let error = try #require(throws: CheckpointError.self) { try CheckpointReader(path: path) }
            #expect(error.kind == .notACheckpoint)
            #expect(error.problem == "this is not a crux checkpoint")
        }
    }

    @Test func storedTensorsDescribeThemselves() throws {
        try SmallCheckpoint.write(at: path, options: WriterOptions(codec: .raw, chunkByteCount: 128))
        let reader = try CheckpointReader(path: path)
        let bytes = try path.readBytes()
        for tensor in reader.tensors {
            #expect(tensor.isContiguous)
            #expect(tensor.byteRange.lowerBound % 64 == 0)
            #expect(Array(bytes[tensor.byteRange]) == SmallCheckpoint.contents[tensor.name]?.bytes)
            #expect(tensor.codecNames == (tensor.description.byteCount == 0 ? [] : ["raw"]))
        }
        try SmallCheckpoint.write(at: path)
        let best = try CheckpointReader(path: path)
        #expect(best.tensor(named: "zeros")?.codecNames == ["constant"])
        #expect(best.tensor(named: "text")?.codecNames.contains("zstd") == true)
    }
}
