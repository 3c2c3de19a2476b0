import CheckpointFormat
import Codecs
import SystemPackage
import TestSupport
import Testing

/// Damage behind right checksums: what a hostile file, or a writer with a fault, would bring to the parsers.
@Suite struct ResealedDamageTests {
    let folder: TemporaryFolder
    let path: FilePath
    let bytes: [UInt8]

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("run.crux")
        try SmallCheckpoint.write(at: path)
        bytes = try path.readBytes()
    }

    static func number(_ bytes: [UInt8], at offset: Int) -> Int {
        (0..<8).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    static func put(_ value: UInt64, into bytes: inout [UInt8], at offset: Int) {
        for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
    }

    static func hash64(_ bytes: ArraySlice<UInt8>) -> UInt64 { unsafe XXH3.hash64(Array(bytes).span.bytes) }

    /// The body of the section at an offset.
    static func body(_ bytes: [UInt8], at offset: Int) -> Range<Int> {
        offset + 64..<offset + 64 + number(bytes, at: offset + 16)
    }

    /// Makes a section's own checksums right again.
    static func sealSection(_ bytes: inout [UInt8], at offset: Int, body: Range<Int>) {
        bytes.replaceSubrange(offset + 32..<offset + 48, with: XXH3.hash128(Array(bytes[body])).bytes)
        put(hash64(bytes[offset..<offset + 56]), into: &bytes, at: offset + 56)
    }

    /// Makes the checksums of index and trailer right again.
    static func sealIndex(_ bytes: inout [UInt8]) {
        let trailer = bytes.count - 64
        let index = number(bytes, at: trailer + 8)
        sealSection(&bytes, at: index, body: body(bytes, at: index))
        bytes.replaceSubrange(trailer + 24..<trailer + 40, with: XXH3.hash128(Array(bytes[index..<trailer])).bytes)
        put(hash64(bytes[trailer..<trailer + 48]), into: &bytes, at: trailer + 48)
    }

    /// Changes some bytes of a range: to anything, to extremes, or whole words to extremes.
    static func mutate(_ bytes: inout [UInt8], in range: Range<Int>, using generator: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let position = Int.random(in: range, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
            default:
                let word: UInt64 =
                    [0, 1, .max, .max - 63, 1 << 63, 1 << 62, (1 << 63) - 1, 64, 1 << 32]
                    .randomElement(using: &generator) ?? 0
                let start = range.lowerBound + (position - range.lowerBound) & ~7
                if start + 8 <= range.upperBound { put(word, into: &bytes, at: start) }
            }
        }
    }

    /// Opens, reads and verifies; whatever is wrong must come out as an error.
    func useEverything() {
        do {
            let reader = try CheckpointReader(path: path)
            for tensor in reader.tensors {
                _ = tensor.codecNames
                try reader.forEachChunk(of: tensor) { _, _ in }
            }
        } catch {
            // Refused, as it should be.
        }
        _ = Verifier.verify(path: path, workerCount: 1)
    }

    @Test(arguments: 0..<4)
    func aResealedIndexNeverTraps(seed: UInt64) throws {
        var generator = SeededGenerator(seed: 100 + seed)
        let index = Self.number(bytes, at: bytes.count - 56)
        for _ in 0..<2000 {
            var changed = bytes
            Self.mutate(&changed, in: Self.body(bytes, at: index), using: &generator)
            Self.sealIndex(&changed)
            try path.writeBytes(changed)
            useEverything()
        }
    }

    @Test(arguments: 0..<2)
    func resealedMetadataNeverTraps(seed: UInt64) throws {
        var generator = SeededGenerator(seed: 200 + seed)
        let index = Self.number(bytes, at: bytes.count - 56)
        let magic: [UInt8] = [0x8B, 0x63, 0x72, 0x78, 0x0D, 0x0A, 0x1A, 0x0A] + Array("META".utf8)
        let offset = try #require(
            stride(from: 64, to: index, by: 64).first { bytes[$0...].starts(with: magic) })
        let body = Self.body(bytes, at: offset)
        let old = XXH3.hash128(Array(bytes[body])).bytes
        for _ in 0..<2000 {
            var changed = bytes
            Self.mutate(&changed, in: body, using: &generator)
            Self.sealSection(&changed, at: offset, body: body)
            let new = Array(changed[offset + 32..<offset + 48])
            let place = try #require(
                Self.body(bytes, at: index).first { bytes[$0...].starts(with: old) })
            changed.replaceSubrange(place..<place + 16, with: new)
            Self.sealIndex(&changed)
            try path.writeBytes(changed)
            useEverything()
        }
    }

    @Test func theHeadersFieldsAtTheirExtremes() throws {
        for offset in 8..<56 {
            for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] where bytes[offset] != value {
                var changed = bytes
                changed[offset] = value
                Self.put(Self.hash64(changed[..<56]), into: &changed, at: 56)
                try path.writeBytes(changed)
                let report = Verifier.verify(path: path)
                // Even where the header alone would be valid, the index knows another one.
                #expect(!report.isValid)
                #expect(report.findings.first?.place.section == "header")
            }
        }
    }
}
