import CheckpointFormat
import Codecs
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Each field of the trailer and of the index at its extremes, behind right checksums: all of them are found, and named.
@Suite struct ExtremeFieldTests {
    /// A number, digest or byte of a file. Found by a walk that shares no code with the reader.
    struct Field {
        let name: String
        let range: Range<Int>

        /// The field's bytes at 0, 1, the largest number and one less, one more and one less than it is, the highest bit
        /// alone, and the highest bit flipped.
        func extremes(of bytes: [UInt8]) -> [[UInt8]] {
            let old = Array(bytes[range])
            let zero = [UInt8](repeating: 0, count: old.count)
            let largest = [UInt8](repeating: 0xFF, count: old.count)
            func with(_ value: UInt8, at index: Int, _ bytes: [UInt8]) -> [UInt8] {
                var bytes = bytes
                bytes[index] = value
                return bytes
            }
            func added(_ step: Int) -> [UInt8] {
                var (bytes, carry) = (old, step)
                for index in bytes.indices {
                    let sum = Int(bytes[index]) + carry
                    bytes[index] = UInt8(truncatingIfNeeded: sum)
                    carry = sum < 0 ? -1 : sum > 255 ? 1 : 0
                }
                return bytes
            }
            let last = old.count - 1
            let all = [
                zero, with(1, at: 0, zero), largest, with(0xFE, at: 0, largest), added(1), added(-1),
                with(0x80, at: last, zero), with(old[last] ^ 0x80, at: last, old),
            ]
            return Array(Set(all).subtracting([old])).sorted { $0.lexicographicallyPrecedes($1) }
        }
    }

    static func fields(_ sizes: [(String, Int)], at start: Int) -> [Field] {
        var position = start
        return sizes.map { name, size in
            defer { position += size }
            return Field(name: name, range: position..<position + size)
        }
    }

    static func trailerFields(of bytes: [UInt8]) -> [Field] {
        fields(
            [
                ("magic", 8), ("index offset", 8), ("file byte count", 8), ("file digest", 16), ("reserved", 8),
                ("checksum", 8), ("end magic", 8),
            ], at: bytes.count - 64)
    }

    static func indexFields(of bytes: [UInt8]) -> [Field] {
        func small(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        let index = small(bytes.count - 56, 8)
        let body = index + 64
        var all = fields(
            [
                ("entry count", 4), ("reserved", 4), ("previous trailer", 8), ("weights digest", 16),
                ("header checksum", 8), ("reserved", 8),
            ], at: body)
        var entry = body + 48
        for _ in 0..<small(body, 4) {
            all += fields(
                [("kind", 4), ("detail byte count", 4), ("offset", 8), ("byte count", 8), ("digest", 16)], at: entry)
            let (detail, end) = (entry + 40, entry + 40 + small(entry + 4, 4))
            if bytes[entry..<entry + 4].elementsEqual("TENS".utf8) {
                let head = detail + 8
                let table = head + small(detail, 4)
                all += fields(
                    [
                        ("head byte count", 4), ("table byte count", 4), ("dtype", 2), ("role", 1), ("rank", 1),
                        ("name byte count", 4), ("chunk byte count", 4), ("reserved", 4), ("byte count", 8),
                        ("base digest", 16),
                    ] + Array(repeating: ("dimension", 8), count: small(head + 3, 1)), at: detail)
                let name = head + 40 + 8 * small(head + 3, 1)
                all += (name..<table).map { Field(name: "name or padding", range: $0..<$0 + 1) }
                all += fields(
                    [
                        ("record offset", 8), ("stored byte count", 8), ("chunk count", 8), ("reserved", 8),
                        ("tensor digest", 16), ("head digest", 16),
                    ], at: table)
                for chunk in stride(from: table + 64, to: end, by: 40) {
                    all += fields(
                        [
                            ("codec", 1), ("parameter", 1), ("parameter", 1), ("parameter", 1),
                            ("stored byte count", 4),
                            ("stored digest", 16), ("content digest", 16),
                        ], at: chunk)
                }
            }
            // The detail of a kind that is not known may be anything.
            entry = end
        }
        return all
    }

    static let subjects = ["swift-writer", "edited", "sharded", "delta-of-delta", "optional-section"]

    /// A copy of a valid file, with the shards that it may list beside it.
    static func copy(_ name: String, to folder: TemporaryFolder) throws -> FilePath {
        for shard in ["sharded-1-of-2", "sharded-2-of-2"] {
            try folder.file("\(shard).crux").writeBytes(Fixtures.path("valid/v1/\(shard).crux").readBytes())
        }
        let path = folder.file("subject.crux")
        try path.writeBytes(Fixtures.path("valid/v1/\(name).crux").readBytes())
        return path
    }

    /// Checks that a changed file is refused at some place that the message names.
    static func check(_ path: FilePath, _ changed: [UInt8], _ field: Field) throws {
        try path.writeBytes(changed)
        let report = Verifier.verify(path: path, bases: BaseSearch(), workerCount: 1)
        let place = report.findings.first?.place
        #expect(
            place?.section != nil || place?.tensor != nil,
            "\(field.name) at \(field.range): \(report.findings.first?.description ?? "passes")")
    }

    @Test(arguments: subjects)
    func everyExtremeOfTheTrailerIsNamed(name: String) throws {
        let folder = try TemporaryFolder()
        let path = try Self.copy(name, to: folder)
        let bytes = try path.readBytes()
        #expect(Verifier.verify(path: path, bases: BaseSearch(), workerCount: 1).isValid)
        let trailer = bytes.count - 64
        for field in Self.trailerFields(of: bytes) {
            for extreme in field.extremes(of: bytes) {
                for isSealed in [true, false] {
                    var changed = bytes
                    changed.replaceSubrange(field.range, with: extreme)
                    if isSealed {
                        guard field.name != "checksum" else { continue }
                        ResealedDamageTests.put(
                            ResealedDamageTests.hash64(changed[trailer..<trailer + 48]), into: &changed,
                            at: trailer + 48)
                    }
                    try Self.check(path, changed, field)
                }
            }
        }
    }

    @Test(arguments: subjects)
    func everyExtremeOfTheIndexIsNamed(name: String) throws {
        let folder = try TemporaryFolder()
        let path = try Self.copy(name, to: folder)
        let bytes = try path.readBytes()
        let fields = Self.indexFields(of: bytes)
        #expect(fields.count > 10)
        for field in fields {
            for extreme in field.extremes(of: bytes) {
                // That no trailer came before is a claim that nothing in the file contradicts.
                if field.name == "previous trailer", extreme.allSatisfy({ $0 == 0 }) { continue }
                var changed = bytes
                changed.replaceSubrange(field.range, with: extreme)
                ResealedDamageTests.sealIndex(&changed)
                try Self.check(path, changed, field)
            }
        }
    }
}
