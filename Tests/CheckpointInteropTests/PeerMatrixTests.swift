import CheckpointFormat
import CheckpointInterop
import Foundation
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

/// Every type that a peer and this project know, odd shapes and names: files that the peer writes are read, files
/// that are written here the peer reads. See `fixtures/peers/peers.py`.
@Suite struct PeerMatrixTests {
    /// What a file holds, as the peer says it.
    private struct Listing: Decodable, Equatable {
        struct Tensor: Decodable, Equatable, CustomStringConvertible {
            var dtype: String
            var shape: [Int]
            var data: String
            var description: String { "\(dtype) \(shape) \(data.prefix(32))" }
        }

        enum Value: Decodable, Equatable {
            case bool(Bool)
            case number(Double)
            case text(String)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let value = try? container.decode(Bool.self) {
                    self = .bool(value)
                } else if let value = try? container.decode(Double.self) {
                    self = .number(value)
                } else {
                    self = .text(try container.decode(String.self))
                }
            }

            init?(_ value: MetadataValue) {
                if let bool = value.boolValue {
                    self = .bool(bool)
                } else if let number = value.doubleValue {
                    self = .number(number)
                } else if let text = value.stringValue {
                    self = .text(text)
                } else {
                    return nil
                }
            }
        }

        var tensors: [String: Tensor]
        var metadata: [String: Value]
    }

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func peer(_ action: String, _ format: String, _ path: FilePath) async throws -> Listing {
        let python = try #require(Peers.python)
        let result = try await CommandResult.run(
            python, [Fixtures.path("peers/peers.py").string, action, format, path.string])
        #expect(result.exitCode == 0, "\(result.standardError)")
        return try JSONDecoder().decode(Listing.self, from: Data(result.standardOutput.utf8))
    }

    private func tensors(_ source: any CheckpointSource) throws -> [String: Listing.Tensor] {
        var tensors: [String: Listing.Tensor] = [:]
        for tensor in source.tensors {
            let hex = try source.readBytes(of: tensor).map { byte in
                (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            tensors[tensor.name] = Listing.Tensor(
                dtype: tensor.dtype.rawValue, shape: tensor.shape.dimensions, data: hex.joined())
        }
        return tensors
    }

    private func expectSame(_ ours: [String: Listing.Tensor], _ theirs: [String: Listing.Tensor]) {
        #expect(Set(ours.keys) == Set(theirs.keys))
        for (name, tensor) in theirs { #expect(ours[name] == tensor, "\(name)") }
    }

    private static let hasAll = Peers.have("numpy", "torch", "safetensors", "gguf", "huggingface_hub")

    /// The writer, and what the opener calls the format.
    @Test(
        .enabled(if: hasAll, "needs torch, safetensors and gguf; see make peers"),
        arguments: [
            ("safetensors", CheckpointFileFormat.safetensors), ("gguf", .gguf), ("gguf_aligned", .gguf),
            ("gguf_tight", .gguf), ("npz", .npz), ("npz_compressed", .npz), ("torch", .pytorch),
            ("torch_legacy", .pytorch), ("torch_protocol4", .pytorch), ("safetensors_sharded", .shardedSafetensors),
            ("torch_sharded", .shardedPyTorch),
        ])
    func readsWhatPeersWrite(writer: String, format: CheckpointFileFormat) async throws {
        // The content decides, not the name; shards have a folder.
        let path = folder.file("file.bin")
        if writer.hasSuffix("_sharded") {
            try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
        }
        let expected = try await peer("write", writer, path)
        let source = try CheckpointOpener.open(path)
        #expect(source.format == format)
        try expectSame(tensors(source), expected.tensors)
        for (key, value) in expected.metadata { #expect(source.metadata[key].flatMap { .init($0) } == value, "\(key)") }
        // Through the project's own format nothing changes.
        let crux = folder.file("copy.crux")
        let outcome = try Conversion(source, to: .crux, isLossy: true).run(to: crux)
        #expect(outcome.weightsDigest == outcome.writtenWeightsDigest)
        try expectSame(tensors(CheckpointOpener.open(crux)), expected.tensors)
    }

    @Test(.enabled(if: hasAll, "needs numpy; see make peers"))
    func readsAndWritesOneArray() async throws {
        let path = folder.file("größe.npy")
        let expected = try await peer("write", "npy", path)
        let source = try CheckpointOpener.open(path)
        #expect(source.tensors.map(\.name) == ["größe"])
        try expectSame(tensors(source), ["größe": #require(expected.tensors[""])])
        _ = try Conversion(source, to: .npy).run(to: folder.file("copy"))
        #expect(try await peer("read", "npy", folder.file("copy")).tensors == expected.tensors)
    }

    /// All types of a target, and shapes and names at the edges.
    private func matrix(_ types: [DType], isGGUF: Bool) throws -> CruxSource {
        let path = folder.file("matrix.crux")
        let writer = try CheckpointWriter.create(at: path)
        var generator = SeededGenerator(seed: 5)
        func add(_ name: String, _ dtype: DType, _ shape: Shape) throws {
            let tensor = try TensorDescription(name: name, dtype: dtype, shape: shape)
            var content = generator.bytes(tensor.byteCount)
            if dtype == .bool { content = content.map { $0 & 1 } }
            try unsafe writer.append(tensor, bytes: content.span.bytes)
        }
        for dtype in types { try add("type.\(dtype.rawValue)", dtype, dtype.isBlockQuantised ? [2, 256] : [3, 4]) }
        var shapes: [(String, Shape)] = [
            ("scalar", []), ("vector", [5]), ("ones", [1, 1, 1]), ("rank four", [2, 3, 1, 4]),
            ("größe.重み.🙂", [3, 2]), ("quote\".back\\slash", [2, 2]), ("a/b", [1]), ("odd", [3]),
        ]
        // The package gguf cannot map arrays without elements.
        if !isGGUF {
            shapes += [("empty", [0]), ("empty.rows", [3, 0, 2]), ("rank.six", [1, 2, 1, 3, 1, 2]), ("", [2])]
        }
        for (name, shape) in shapes { try add(name, types.contains(.u8) ? .u8 : .i8, shape) }
        for (name, shape) in shapes { try add("f64 \(name)", .f64, shape) }
        try writer.finish()
        return try CruxSource(path: path)
    }

    @Test(
        .enabled(if: hasAll, "needs safetensors, gguf and numpy; see make peers"),
        arguments: [Conversion.Target.safetensors, .gguf, .npz])
    func peersReadWhatIsWritten(target: Conversion.Target) async throws {
        let types: [DType]
        switch target {
        case .gguf:
            types = [
                .f32, .f16, .bf16, .f64, .i8, .i16, .i32, .i64, .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q4_K, .q5_K, .q6_K,
            ]
        case .npz: types = [.bool, .i8, .u8, .i16, .u16, .f16, .i32, .u32, .f32, .i64, .u64, .f64, .c64]
        default: types = DType.allCases.filter { !$0.isBlockQuantised }
        }
        let source = try matrix(types, isGGUF: target == .gguf)
        let path = folder.file("written")
        let outcome = try Conversion(source, to: target).run(to: path)
        #expect(outcome.issues.isEmpty)
        let theirs = try await peer("read", target.rawValue, path)
        var expected = try tensors(source)
        // The package shows a tensor of rank 0 as one of no dimension less.
        if target == .gguf {
            for (name, tensor) in theirs.tensors where tensor.shape.isEmpty { #expect(expected[name]?.shape == []) }
        }
        for (name, tensor) in expected where target == .gguf && tensor.shape.isEmpty {
            expected[name]?.shape = theirs.tensors[name]?.shape ?? []
        }
        expectSame(theirs.tensors, expected)
    }

    @Test(.enabled(if: hasAll, "needs safetensors; see make peers"), arguments: [100, 400])
    func peersReadShards(shardByteCount: Int) async throws {
        let source = try matrix(DType.allCases.filter { !$0.isBlockQuantised }, isGGUF: false)
        let path = folder.file("written")
        _ = try Conversion(source, to: .safetensors).run(to: path, shardByteCount: shardByteCount)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path.string).count > 2)
        expectSame(try await peer("read", "safetensors_sharded", path).tensors, try tensors(source))
    }
}
