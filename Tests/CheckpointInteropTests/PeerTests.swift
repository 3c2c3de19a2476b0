import CheckpointFormat
import CheckpointInterop
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

/// Files written by the reference library; see `fixtures/peers/make_safetensors.py`.
@Suite struct PeerTests {
    private func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) } }

    @Test func readsEveryType() throws {
        let source = try SafetensorsSource(path: Fixtures.path("peers/safetensors/every-type.safetensors"))
        #expect(source.tensors.count == 20)
        for tensor in source.tensors {
            #expect(tensor.name == tensor.dtype.rawValue.lowercased())
            #expect(tensor.shape == [3, 2])
            #expect(tensor.role == .weight)
            #expect(
                try source.readBytes(of: tensor)
                    == (tensor.dtype == .bool ? [1, 0, 0, 1, 1, 1] : pattern(tensor.byteCount)))
        }
        // PyTorch has no such types.
        let missing = Set(DType.allCases.filter { !$0.isBlockQuantised }).subtracting(source.tensors.map(\.dtype))
        #expect(missing == [.f6e2m3, .f6e3m2])
    }

    @Test func readsShapesNamesAndMetadataAtTheEdges() throws {
        let source = try SafetensorsSource(path: Fixtures.path("peers/safetensors/edges.safetensors"))
        let shapes: [String: Shape] = [
            "scalar": [], "empty": [0], "empty.rows": [3, 0, 2], "rank.six": [1, 2, 1, 3, 1, 2],
            "gewicht.größe.重み.🙂": [5], "quote\".back\\slash.\t": [2], "": [1],
        ]
        #expect(Dictionary(uniqueKeysWithValues: source.tensors.map { ($0.name, $0.shape) }) == shapes)
        for tensor in source.tensors { #expect(try source.readBytes(of: tensor) == pattern(tensor.byteCount)) }
        #expect(source.metadata == ["note": .string("ünï \"quoted\" \\ \n\u{1} 🙂")])
        let empty = try SafetensorsSource(path: Fixtures.path("peers/safetensors/nothing.safetensors"))
        #expect(empty.tensors.isEmpty)
        #expect(empty.metadata == ["format": .string("pt")])
    }

    @Test(arguments: ["every-type", "edges", "nothing", "values"])
    func writesTheSameBytesAsTheReferenceLibrary(name: String) throws {
        let path = Fixtures.path("peers/safetensors/\(name).safetensors")
        let source = try SafetensorsSource(path: path)
        let folder = try TemporaryFolder()
        _ = try Conversion(source, to: .safetensors).run(to: folder.file("copy"))
        // The library happens to put empty tensors of one type in the order of their names as well.
        #expect(try folder.file("copy").readBytes() == path.readBytes())
    }

    @Test func readsShards() throws {
        let source = try CheckpointOpener.open(Fixtures.path("peers/safetensors/sharded"))
        #expect(source.format == .shardedSafetensors)
        #expect(source.tensors.map(\.name) == ["wte.weight", "ln_f.weight", "h.0.ln_1.weight"])
        #expect(source.metadata == ["format": .string("pt")])
        for tensor in source.tensors { #expect(try source.readBytes(of: tensor) == pattern(tensor.byteCount)) }
        let index = Fixtures.path("peers/safetensors/sharded/model.safetensors.index.json")
        #expect(try CheckpointOpener.open(index).tensors == source.tensors)
    }
}
