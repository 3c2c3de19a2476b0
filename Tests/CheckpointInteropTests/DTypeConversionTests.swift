import CheckpointFormat
import CheckpointInterop
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct DTypeConversionTests {
    /// What the package gguf makes of every type, recorded; see `fixtures/peers/make_gguf.py`.
    @Test func convertsAsRecordedFromThePeer() throws {
        try expectSameAsThePeer(Fixtures.path("peers/gguf/values.gguf"))
    }

    @Test(.enabled(if: Peers.have("gguf", "numpy"), "needs gguf; see make peers"), arguments: [1, 2, 3])
    func convertsAsThePeerDoesNow(seed: Int) async throws {
        let folder = try TemporaryFolder()
        let python = try #require(Peers.python)
        let script = Fixtures.path("peers/make_gguf.py").string
        let result = try await CommandResult.run(
            python, [script, folder.file("values.gguf").string, "--seed", "\(seed)"])
        #expect(result.exitCode == 0, "\(result.standardError)")
        try expectSameAsThePeer(folder.file("values.gguf"))
    }

    private func expectSameAsThePeer(_ path: FilePath) throws {
        let source = try GGUFSource(path: path)
        let dequantised = DTypeSource(source, conversion: DTypeConversion(to: .f32))
        var comparisons = 0
        for tensor in source.tensors {
            if let value = source.tensor(named: tensor.name + ".value") {
                let seen = try #require(dequantised.tensor(named: tensor.name))
                #expect(seen.dtype == .f32)
                #expect(seen.shape == value.shape)
                try expectEqual(dequantised.readBytes(of: seen), source.readBytes(of: value), tensor.name)
                comparisons += 1
            }
            guard tensor.name.hasSuffix(".from") else { continue }
            let quantised = try #require(
                source.tensor(named: tensor.name.replacing(".from", with: ".quantised")))
            let target = try #require(DTypeConversion.Target(rawValue: quantised.dtype.rawValue))
            let view = DTypeSource(
                source, conversion: DTypeConversion(to: target, allowsInfinities: true))
            let seen = try #require(view.tensor(named: tensor.name))
            #expect(seen.dtype == quantised.dtype)
            try expectEqual(view.readBytes(of: seen), source.readBytes(of: quantised), tensor.name)
            comparisons += 1
        }
        #expect(comparisons == 12)
    }

    private func expectEqual(_ ours: [UInt8], _ theirs: [UInt8], _ name: String) {
        let index = zip(ours, theirs).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        #expect(ours == theirs, "\(name), byte \(index ?? -1) of \(ours.count)")
    }

    private func source(_ tensors: [(TensorDescription, [UInt8])], in folder: TemporaryFolder) throws -> CruxSource {
        let writer = try CheckpointWriter.create(at: folder.file("a.crux"))
        for (tensor, content) in tensors {
            try unsafe writer.append(tensor, bytes: content.span.bytes)
        }
        try writer.finish()
        return try CruxSource(path: folder.file("a.crux"))
    }

    @Test func onlyWeightsWithFullRowsAreQuantised() throws {
        let folder = try TemporaryFolder()
        func zeros(_ name: String, _ dtype: DType, _ shape: Shape, _ role: TensorRole = .weight) throws -> (
            TensorDescription, [UInt8]
        ) {
            let tensor = try TensorDescription(name: name, dtype: dtype, shape: shape, role: role)
            return (tensor, [UInt8](repeating: 0, count: tensor.byteCount))
        }
        let source = try source(
            [
                zeros("matrix", .f32, [3, 64]), zeros("vector", .f32, [64]), zeros("odd", .f16, [2, 33]),
                zeros("moment", .f32, [3, 64], .firstMoment), zeros("integers", .i32, [3, 64]),
                zeros("critic", .f64, [4, 32], .critic), zeros("blocks", .q6_K, [1, 256]),
                zeros("empty", .f32, [0, 32]),
            ], in: folder)
        let quantised = DTypeSource(source, conversion: DTypeConversion(to: .q8_0))
        let types = quantised.tensors.map(\.dtype)
        #expect(types == [.q8_0, .f32, .f16, .f32, .i32, .q8_0, .q8_0, .q8_0])
        #expect(
            quantised.changes.map(\.description) == [
                "2 tensors F32 → Q8_0", "1 tensor F64 → Q8_0", "1 tensor Q6_K → Q8_0",
            ])
        for tensor in quantised.tensors {
            #expect(try quantised.readBytes(of: tensor) == [UInt8](repeating: 0, count: tensor.byteCount))
        }
        let halves = DTypeSource(source, conversion: DTypeConversion(to: .f16, keepsSmallTensors: true))
        #expect(halves.tensors.map(\.dtype) == [.f16, .f32, .f16, .f32, .i32, .f16, .f16, .f16])
    }

    /// Chunks of the view and of the file do not end in the same places.
    @Test(arguments: [DTypeConversion.Target.f32, .f16, .q8_0])
    func longTensorsAreConvertedChunkByChunk(target: DTypeConversion.Target) throws {
        let folder = try TemporaryFolder()
        let tensor = try TensorDescription(name: "t", dtype: .q8_0, shape: [40_000, 256])
        var generator = SeededGenerator(seed: 3)
        var content = generator.bytes(tensor.byteCount)
        // No scale is infinite or NaN.
        for block in stride(from: 1, to: content.count, by: 34) { content[block] &= 0x3B }
        let source = try source([(tensor, content)], in: folder)
        let view = DTypeSource(source, conversion: DTypeConversion(to: target))
        let seen = try #require(view.tensor(named: "t"))
        let all = try view.readBytes(of: seen)
        #expect(all.count == seen.byteCount)
        var values: [Float] = []
        unsafe FloatElements.decode(content.span.bytes, as: .q8_0, into: &values)
        var expected: [UInt8] = []
        try FloatElements.encode(values, as: target.dtype, into: &expected)
        #expect(all == expected || target == .q8_0 && all == content)
        #expect(view.storage(of: seen).chunkCount > 1)
    }

    @Test func aValueThatDoesNotFitIsNamedAndNothingIsWritten() throws {
        let folder = try TemporaryFolder()
        let tensor = try TensorDescription(name: "w", dtype: .f32, shape: [2, 2])
        let bytes = [Float(1), 2, 1e6, 3].flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        let view = DTypeSource(
            try source([(tensor, bytes)], in: folder), conversion: DTypeConversion(to: .f16))
        let error = #expect(throws: CheckpointError.self) {
            try Conversion(view, to: .safetensors).run(to: folder.file("b.safetensors"))
        }
        #expect(
            error?.detail
                == "tensor 'w': element 2 cannot be converted: found 1000000.0, expected a value that F16 can hold")
        #expect(try folder.entries() == ["a.crux"])
    }
}
