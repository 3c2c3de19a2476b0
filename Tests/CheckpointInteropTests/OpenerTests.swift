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
            "the zip archive has no end of its directory: found 8 bytes, expected 'PK\\5\\6' near the end"
        ),
        (
            "hello",
            "is no checkpoint of a known format: found 5 bytes that are neither, expected crux, safetensors, an index of shards, GGUF, PyTorch, npz or npy"
        ),
        (
            "",
            "is no checkpoint of a known format: found 0 bytes that are neither, expected crux, safetensors, an index of shards, GGUF, PyTorch, npz or npy"
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
