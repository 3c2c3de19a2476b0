import CheckpointFormat
import CheckpointInterop
import Integrity
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct ManifestTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ name: String, byte: UInt8, note: String = "") throws {
        let writer = try CheckpointWriter.create(at: folder.file(name))
        writer.setMetadata("note", .string(note))
        try writer.append(try TensorDescription(name: "w", dtype: .u8, shape: [1]), [byte])
        try writer.finish()
    }

    private func compare(_ manifest: CheckpointManifest) throws -> [String: CheckpointManifest.Comparison.Status] {
        let found = try CheckpointFolder.checkpoints(below: folder.path)
        let comparisons = try manifest.compare(in: folder.path, found: found)
        return Dictionary(uniqueKeysWithValues: comparisons.map { ($0.path, $0.status) })
    }

    @Test("Same, other bytes, other weights, missing and unlisted files are told apart")
    func statuses() throws {
        for (index, name) in ["a.crux", "b.crux", "c.crux", "d.crux"].enumerated() {
            try write(name, byte: UInt8(index))
        }
        let paths = try CheckpointFolder.checkpoints(below: folder.path)
        let pinned = try CheckpointManifest(of: paths, in: folder.path)
        let manifest = try CheckpointManifest(json: try pinned.json, path: "checkpoints.lock")
        #expect(manifest == pinned)
        #expect(try compare(manifest).values.allSatisfy { $0 == .same })

        try write("b.crux", byte: 1, note: "edited")
        try write("c.crux", byte: 9)
        try write("e.crux", byte: 4)
        try FileDescriptor.open(folder.file("d.crux"), .writeOnly, options: .truncate).close()
        #expect(
            try compare(manifest) == [
                "a.crux": .same, "b.crux": .sameWeights, "c.crux": .changed, "d.crux": .changed, "e.crux": .unlisted,
            ])
    }

    @Test(
        "A manifest that names a place outside its folder is refused", arguments: ["/etc/passwd", "../x", "a/../../x"])
    func traversal(path: String) throws {
        let json = #"{"schemaVersion":1,"files":[{"path":"\#(path)","byteCount":1,"sha256":""}]}"#
        #expect(throws: CheckpointError.self) { try CheckpointManifest(json: json, path: "checkpoints.lock") }
    }
}
