import CheckpointFormat
import CheckpointInterop
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct ShardTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for (name, names) in [("one", ["one"]), ("two", ["two"]), ("both", ["one", "four"])] {
            let tensors = try names.map { try TensorDescription(name: $0, dtype: .u8, shape: [2]) }
            let writer = try SafetensorsWriter.create(
                at: folder.file(name), metadata: ["format": "pt", "part": name], tensors: tensors)
            try writer.write([UInt8](repeating: 1, count: 2 * tensors.count))
            try writer.finish()
        }
    }

    private func open(_ index: String) throws -> any CheckpointSource {
        let path = folder.file("model.safetensors.index.json")
        try path.writeBytes(Array(index.utf8))
        return try CheckpointOpener.open(path)
    }

    @Test func joinsTensorsAndMetadata() throws {
        let source = try open("{\"metadata\":{\"total_size\":4.0},\"weight_map\":{\"two\":\"two\",\"one\":\"one\"}}")
        #expect(source.tensors.map(\.name) == ["two", "one"])
        #expect(
            source.metadata == [
                "format": .string("pt"), "part": .string("two"), "part (one)": .string("one"),
            ])
        #expect(source.fileByteCount > 2 * 80)
        let other = try TensorDescription(name: "three", dtype: .u8, shape: [2])
        #expect(throws: CheckpointError.self) { try source.readBytes(of: other) }
        #expect(throws: CheckpointError.self) { try source.digest(of: other) }
    }

    @Test(arguments: ["../one", "a/one", "/etc/passwd", "..", ".", "", "a\\\\b", "one\\u0000", "one/\\u0301"])
    func refusesNamesThatLeadElsewhere(name: String) throws {
        let error = #expect(throws: CheckpointError.self) { try open("{\"weight_map\":{\"one\":\"\(name)\"}}") }
        #expect(error?.detail.hasSuffix("expected a file in the index's own folder") == true)
    }

    @Test(arguments: [
        ("{}", "byte 0: is not an index of shards: found no weight_map, expected weight_map"),
        ("{\"weight_map\":[]}", "byte 14: is not an index of shards: found '[', expected an object"),
        (
            "{\"weight_map\":{\"one\":\"one\",\"three\":\"one\"}}",
            "tensor 'three', weight_map: index and files disagree: found no such tensor in one, expected it there"
        ),
        (
            "{\"weight_map\":{\"two\":\"one\",\"one\":\"two\"}}",
            "tensor 'one', weight_map: index and files disagree: found the tensor in one, expected it in two"
        ),
        (
            "{\"weight_map\":{\"one\":\"one\",\"one\":\"two\"}}",
            "byte 27: is not an index of shards: found the key \"one\" a second time, expected each key once"
        ),
        (
            "{\"weight_map\":{\"one\":\"one\",\"four\":\"both\"}}",
            "tensor 'one', weight_map: index and files disagree: found the tensor in both, expected it in one"
        ),
        (
            "{\"weight_map\":{\"four\":\"both\"}}",
            "tensor 'one', weight_map: index and files disagree: found the tensor in both, expected no such tensor"
        ),
    ])
    func refusesAnIndexThatIsWrong(index: String, message: String) throws {
        let error = #expect(throws: CheckpointError.self) { try open(index) }
        #expect(error?.detail == message)
    }

    @Test func namesAMissingShard() throws {
        let error = #expect(throws: CheckpointError.self) { try open("{\"weight_map\":{\"one\":\"gone\"}}") }
        #expect(error?.kind == .missing)
        #expect(error?.path == folder.file("gone"))
    }

    @Test func anIndexOfNothingHoldsNothing() throws {
        let source = try open("{\"metadata\":{},\"weight_map\":{}}")
        #expect(source.tensors.isEmpty)
        #expect(source.format == .shardedSafetensors)
    }
}
