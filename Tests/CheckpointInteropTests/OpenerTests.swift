import CheckpointFormat
import CheckpointInterop
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct OpenerTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func writeSafetensors(_ name: String) throws {
        try SafetensorsWriter.create(at: folder.file(name), tensors: []).finish()
    }

    private func writeCrux(_ name: String) throws {
        try CheckpointWriter.create(at: folder.file(name)).finish()
    }

    @Test func goesByContentNotByName() throws {
        try writeSafetensors("a.crux")
        try writeCrux("b.safetensors")
        #expect(try CheckpointOpener.open(folder.file("a.crux")).format == .safetensors)
        #expect(try CheckpointOpener.open(folder.file("b.safetensors")).format == .crux)
    }

    @Test func opensAFolderWithOneCheckpoint() throws {
        try folder.file("notes.txt").writeBytes(Array("hello, these are notes".utf8))
        try writeCrux("weights")
        #expect(try CheckpointOpener.open(folder.path).format == .crux)
    }

    @Test func refusesAFolderWithNoneOrSeveral() throws {
        var error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(folder.path) }
        #expect(error?.detail == "holds no checkpoint: found none, expected one checkpoint or one index")
        #expect(error?.kind == .missing)
        try writeCrux("a")
        try writeSafetensors("b")
        error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(folder.path) }
        #expect(error?.detail == "holds several checkpoints: found a, b, expected one checkpoint or one index")
    }

    @Test(arguments: [
        (
            "PK\u{3}\u{4}....",
            "is of a format that cannot be read yet: found a zip archive, as of PyTorch or NumPy, expected crux, safetensors or its index of shards, or GGUF"
        ),
        (
            "hello",
            "is no checkpoint of a known format: found 5 bytes that are neither, expected crux, safetensors or its index of shards, or GGUF"
        ),
        (
            "",
            "is no checkpoint of a known format: found 0 bytes that are neither, expected crux, safetensors or its index of shards, or GGUF"
        ),
        ("{\"a\":1}", "byte 0: is not an index of shards: found no weight_map, expected weight_map"),
    ])
    func namesWhatItCannotRead(content: String, message: String) throws {
        try folder.file("file").writeBytes(Array(content.utf8))
        let error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(folder.file("file")) }
        #expect(error?.detail == message)
    }

    @Test func letsTheNamedFormatsReaderExplainDamage() throws {
        try folder.file("cut.safetensors").writeBytes([1, 2, 3])
        let error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(folder.file("cut.safetensors")) }
        #expect(error?.kind == .truncated)
        #expect(throws: CheckpointError.self) { try CheckpointOpener.open(folder.file("missing")) }
    }
}
