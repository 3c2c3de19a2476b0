import CheckpointFormat
import OrderedCollections
import SystemPackage
import TestSupport
import Testing

@Suite struct CheckpointEditTests {
    let folder: TemporaryFolder
    let path: FilePath

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("run.crux")
    }

    private func edit(_ change: (inout Metadata) -> Void) throws {
        var edit = try CheckpointEdit(path: path)
        change(&edit.metadata)
        try edit.save()
    }

    @Test(arguments: FixtureTests.valid)
    func anEditAppendsAndKeepsEverythingElse(name: String) throws {
        let old = try Fixtures.path("valid/v1/\(name)").readBytes()
        try path.writeBytes(old)
        let shards = name == "sharded.crux" ? ["sharded-1-of-2.crux", "sharded-2-of-2.crux"] : []
        for shard in shards {
            try folder.file(shard).writeBytes(Fixtures.path("valid/v1/\(shard)").readBytes())
        }
        let bases = BaseSearch(folders: [Fixtures.path("valid/v1")])
        let before = try CheckpointReader(path: path, bases: bases)
        // Twice: the second finds what the first has left behind.
        for step in [UInt32(1), 2] { try edit { $0["note"] = .uint32(step) } }
        let new = try path.readBytes()
        #expect(new.prefix(old.count) == old[...])
        #expect(Verifier.verify(path: path).findings == [])
        let after = try CheckpointReader(path: path, bases: bases)
        #expect(after.metadata["note"] == .uint32(2))
        #expect(after.metadata.filter { $0.key != "note" } == before.metadata)
        #expect(after.tensors == before.tensors)
        #expect(after.weightsDigest == before.weightsDigest)
        #expect(after.fileDigest != before.fileDigest)
        #expect(try folder.entries() == (["run.crux"] + shards).sorted())
        // Without the appended bytes it is the old checkpoint.
        try path.writeBytes(Array(new.prefix(old.count)))
        #expect(Verifier.verify(path: path).fileDigest == before.fileDigest)
    }

    @Test func sectionsThatAreNotKnownKeepTheirDetails() throws {
        let old = try Fixtures.path("valid/v1/optional-section.crux").readBytes()
        try path.writeBytes(old)
        try edit { $0["note"] = .bool(true) }
        let kinds = try indexKinds(path.readBytes())
        let unknown = indexKinds(old).filter { !["META", "TENS", "past"].contains($0.kind) }
        #expect(!unknown.isEmpty)
        #expect(unknown.contains { $0.detailByteCount > 0 })
        #expect(kinds.filter { !["META", "TENS", "past"].contains($0.kind) }.elementsEqual(unknown, by: ==))
    }

    /// Kind and size of the detail of each entry of a file's index, read without the library.
    private func indexKinds(_ bytes: [UInt8]) -> [(kind: String, detailByteCount: Int)] {
        func integer(_ offset: Int, _ count: Int) -> Int {
            bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        var offset = integer(bytes.count - 56, 8) + 64
        let count = integer(offset, 4)
        offset += 48
        return (0..<count).map { _ in
            let entry = (String(decoding: bytes[offset..<offset + 4], as: UTF8.self), integer(offset + 4, 4))
            offset += 40 + entry.1
            return entry
        }
    }

    @Test func damageOfPastBytesGetsNoNewDigest() throws {
        try SmallCheckpoint.write(at: path)
        let count = try path.readBytes().count
        try edit { $0["note"] = .bool(true) }
        var bytes = try path.readBytes()
        bytes[count - 1] ^= 1
        try path.writeBytes(bytes)
        let error = try #require(throws: CheckpointError.self) { try edit { $0["note"] = .bool(false) } }
        #expect(error.kind == .damaged)
        #expect(error.place.section == "past bytes")
        #expect(try path.readBytes() == bytes)
    }

    @Test func anEmptyKeyIsRefused() throws {
        try SmallCheckpoint.write(at: path)
        let bytes = try path.readBytes()
        let error = try #require(throws: CheckpointError.self) { try edit { $0[""] = .bool(true) } }
        #expect(error.detail == "metadata: a key is empty")
        #expect(try path.readBytes() == bytes)
    }

    @Test func textsBecomeValuesOfEveryType() {
        let values: [(String, MetadataType, MetadataValue)] = [
            ("255", .uint8, .uint8(255)), ("-128", .int8, .int8(-128)), ("65535", .uint16, .uint16(65_535)),
            ("-1", .int16, .int16(-1)), ("7", .uint32, .uint32(7)), ("-7", .int32, .int32(-7)),
            ("0.5", .float32, .float32(0.5)), ("-0", .float64, .float64(-0.0)), ("inf", .float64, .float64(.infinity)),
            ("true", .bool, .bool(true)), ("a=b, c", .string, .string("a=b, c")),
            ("18446744073709551615", .uint64, .uint64(.max)), ("-9223372036854775808", .int64, .int64(.min)),
        ]
        for (text, type, value) in values { #expect(MetadataValue(text: text, type: type) == value) }
        #expect(
            MetadataValue(text: "1,2", type: .array, elementType: .uint8)
                == MetadataArray(elementType: .uint8, elements: [.uint8(1), .uint8(2)]).map(MetadataValue.array))
        #expect(
            MetadataValue(text: "", type: .array, elementType: .string) == .array(MetadataArray([])))
        let wrong: [(String, MetadataType)] = [
            ("256", .uint8), ("-1", .uint64), ("1.5", .int32), ("yes", .bool), ("x", .float32), ("", .int8),
            ("1", .array),
        ]
        for (text, type) in wrong { #expect(MetadataValue(text: text, type: type) == nil, "\(text) as \(type)") }
        #expect(MetadataValue(text: "1,,2", type: .array, elementType: .uint8) == nil)
    }
}
