import CheckpointFormat
import CheckpointInterop
import SystemPackage
import TensorCore
import TestSupport
import Testing

/// Zip archives that break a rule, made from one that a member at a time describes.
@Suite struct ZipTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private typealias Member = ZipBuilder.Member

    private func archive(_ members: [Member], count: UInt16? = nil, shift: UInt32 = 0) -> [UInt8] {
        ZipBuilder.archive(members, count: count, shift: shift)
    }

    private func problem(_ bytes: [UInt8]) -> String {
        let error = #expect(throws: CheckpointError.self) { _ = try ZipDirectory(parsing: bytes, path: "x.npz") }
        return error?.detail ?? ""
    }

    @Test func readsWhatIsRight() throws {
        let bytes = archive([
            Member(content: [1, 2, 3]), Member(name: Array("ü/".utf8)), Member(name: Array("b".utf8)),
        ])
        let members = try ZipDirectory(parsing: bytes, path: "x").members
        #expect(members.map(\.name) == ["a.npy", "b"])
        #expect(Array(bytes[members[0].range]) == [1, 2, 3])
        #expect(try ZipDirectory(parsing: archive([]), path: "x").members.isEmpty)
    }

    @Test func eachRuleIsNamed() {
        #expect(problem([]).contains("no end of its directory"))
        #expect(problem(archive([Member(), Member()])).contains("the name 'a.npy' occurs twice"))
        #expect(problem(archive([Member(flags: 1)])).contains("encrypted"))
        #expect(problem(archive([Member(method: 12)])).contains("found 12, expected 0 (stored) or 8 (deflated)"))
        #expect(problem(archive([Member(name: [0xFF])])).contains("not UTF-8"))
        #expect(problem(archive([Member(name: [0x61, 0])])).contains("U+0000"))
        #expect(problem(archive([Member(content: [1], size: 2)])).contains("stored, but of two sizes"))
        // 4 GiB from ten bytes.
        #expect(
            problem(archive([Member(content: [UInt8](repeating: 0, count: 10), method: 8, size: .max - 1)]))
                .contains("cannot unpack to so much: found 4294967294 bytes from 10"))
        #expect(
            problem(archive([Member(content: [1], localSize: 7)])).contains("directory disagree: found 7, expected 1"))
        #expect(
            problem(archive([Member(localName: Array("b.npy".utf8))])).contains("the local header and the directory"))
        #expect(problem(archive([Member(size: 1000, packedSize: 1000)])).contains("does not end before the directory"))
        #expect(problem(archive([Member(offset: 1_000_000)])).contains("does not start before the directory"))
        #expect(problem(archive([Member()], count: 2)).contains("more members than the directory can hold"))
        #expect(problem(archive([Member()], shift: 1_000_000)).contains("does not lie before its end record"))
        // Two names for the same bytes: each would unpack, together they are a bomb.
        #expect(
            problem(
                archive([
                    Member(content: [1]),
                    Member(name: Array("b.npy".utf8), localName: Array("a.npy".utf8), content: [1], offset: 0),
                ])
            )
            .contains("the local header and the directory disagree"))
        let inner = archive([Member(name: Array("b".utf8), content: [1])]).prefix(32)
        let overlapping = archive([
            Member(content: Array(inner)), Member(name: Array("b".utf8), content: [1], offset: 35),
        ])
        #expect(problem(overlapping).contains("shares bytes with 'a.npy'"))
    }

    @Test func everyTruncationAndEveryChangedByteIsAnErrorOrAnArchive() {
        let whole = archive([Member(content: Array(1...40)), Member(name: Array("b".utf8), content: [1])])
        for end in whole.indices {
            #expect(throws: CheckpointError.self) { _ = try ZipDirectory(parsing: Array(whole[..<end]), path: "x") }
        }
        for index in whole.indices {
            for bit in 0..<8 {
                var changed = whole
                changed[index] ^= 1 << bit
                _ = try? ZipDirectory(parsing: changed, path: "x")
            }
        }
    }

    /// Deflated streams that are broken, in a member that is otherwise an array.
    @Test(
        arguments: [
            ([0x07], "reserved type 3"), ([0x01, 1, 0, 0, 0, 9], "its complement differ"),
            ([0x01, 5, 0, 0xFA, 0xFF, 9], "ends early"),
            ([0x03, 0x02], "a distance to before the start"),
            ([0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0], "bits that are no code"),
            ([], "ends early"), ([0x03, 0x00], "unpacks to less than its size"),
        ] as [([UInt8], String)])
    func brokenStreamsAreNamed(stream: [UInt8], problem: String) throws {
        let path = folder.file("a.npz")
        try path.writeBytes(archive([Member(content: stream, method: 8, size: 1000)]))
        let error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(path) }
        #expect(error?.detail.contains(problem) == true, "\(error?.detail ?? "")")
    }

    @Test func otherArchivesAreNotCheckpoints() throws {
        let path = folder.file("a.zip")
        try path.writeBytes(archive([Member(name: Array("README".utf8), content: [1])]))
        let error = #expect(throws: CheckpointError.self) { try CheckpointOpener.open(path) }
        #expect(error?.detail.hasPrefix("is a zip archive of something else: found 'README'") == true)
    }
}
