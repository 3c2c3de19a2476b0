import CheckpointFormat
import SystemPackage
import TestSupport
import Testing

@Suite struct DamageTests {
    /// A small file's bytes, and a path to put changed ones at.
    struct Subject {
        let folder: TemporaryFolder
        let path: FilePath
        let bytes: [UInt8]

        init() throws {
            folder = try TemporaryFolder()
            path = folder.file("run.crux")
            try SmallCheckpoint.write(at: path)
            bytes = try path.readBytes()
        }

        func report(_ bytes: [UInt8], mode: VerificationReport.Mode = .full) throws -> VerificationReport {
            try path.writeBytes(bytes)
            return Verifier.verify(path: path, mode: mode, workerCount: 1)
        }
    }

    @Test(arguments: VerificationReport.Mode.allCases, 0..<8)
    func everyFlippedBitIsFoundAndNamed(mode: VerificationReport.Mode, bit: Int) throws {
        let subject = try Subject()
        #expect(try subject.report(subject.bytes, mode: mode).findings == [])
        let descriptor = try FileDescriptor.open(subject.path, .writeOnly)
        defer { try? descriptor.close() }
        for (position, byte) in subject.bytes.enumerated() {
            try descriptor.writeAll(toAbsoluteOffset: Int64(position), [byte ^ 1 << UInt8(bit)])
            let report = Verifier.verify(path: subject.path, mode: mode, workerCount: 1)
            try descriptor.writeAll(toAbsoluteOffset: Int64(position), [byte])
            let isNamed = report.findings.contains { finding in
                finding.place.byteRange?.contains(position) ?? false
                    && (finding.place.section != nil || finding.place.tensor != nil)
                    && (finding.kind == .damaged || (finding.kind == .invalid && finding.place.field != nil))
            }
            if !isNamed {
                Issue.record("bit \(bit) of byte \(position): \(report.findings.map(\.description))")
                return
            }
        }
    }

    @Test func everyTruncationIsFound() throws {
        let subject = try Subject()
        for count in subject.bytes.indices {
            let report = try subject.report(Array(subject.bytes[..<count]))
            let kinds = report.findings.map(\.kind)
            if kinds != [count == 0 ? .notACheckpoint : .truncated] {
                Issue.record("\(count) bytes: \(report.findings.map(\.description))")
            }
        }
    }

    @Test func bytesBehindTheTrailerAreFound() throws {
        let subject = try Subject()
        for tail in [[0], [UInt8](repeating: 0, count: 64), subject.bytes] {
            #expect(try !subject.report(subject.bytes + tail).isValid)
        }
    }

    @Test func bytesThatAreMissingInTheMiddleAreFound() throws {
        let subject = try Subject()
        for start in stride(from: 0, to: subject.bytes.count - 64, by: 64) {
            var bytes = subject.bytes
            bytes.removeSubrange(start..<start + 64)
            #expect(try !subject.report(bytes).isValid)
        }
    }

    @Test func swappedBlocksAreFound() throws {
        let subject = try Subject()
        let blocks = subject.bytes.count / 64
        for first in 0..<blocks {
            for second in first + 1..<blocks {
                var bytes = subject.bytes
                for index in 0..<64 { bytes.swapAt(64 * first + index, 64 * second + index) }
                if bytes == subject.bytes { continue }
                if try subject.report(bytes, mode: .quick).isValid { Issue.record("\(first) and \(second)") }
            }
        }
    }

    @Test func randomDamageNeverTraps() throws {
        let subject = try Subject()
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<3000 {
            var bytes = subject.bytes
            bytes.damage(repeatedByteCount: 200, using: &generator)
            let report = try subject.report(bytes)
            #expect(bytes == subject.bytes || !report.isValid)
        }
    }

    @Test func severalDamagesAreAllListedInOrder() throws {
        let subject = try Subject()
        let reader = try CheckpointReader(path: subject.path)
        var bytes = subject.bytes
        let places = reader.tensors.flatMap(\.chunks).map(\.byteRange.lowerBound)
        for place in places { bytes[place] ^= 0xFF }
        let report = try subject.report(bytes)
        #expect(report.findings.compactMap(\.place.byteRange?.lowerBound) == places)
        #expect(report.findings.allSatisfy { $0.kind == .damaged && $0.problem == "checksum mismatch" })
    }

    @Test func aFindingReadsWell() throws {
        let subject = try Subject()
        let tensor = try #require(CheckpointReader(path: subject.path).tensor(named: "h.0.ln_1.weight"))
        var bytes = subject.bytes
        let range = tensor.chunks[1].byteRange
        bytes[range.lowerBound] ^= 1
        try subject.path.writeBytes(bytes)
        let error = try #require(throws: CheckpointError.self) {
            let reader = try CheckpointReader(path: subject.path)
            _ = try reader.readBytes(of: tensor)
        }
        #expect(error.kind == .damaged)
        #expect(error.place.tensor == "h.0.ln_1.weight")
        #expect(error.place.chunk == 1)
        #expect(error.place.byteRange == range)
        let words = error.description.replacing(try Regex("[0-9a-f]{32}"), with: "…")
        #expect(
            words == "\(subject.path): tensor 'h.0.ln_1.weight', chunk 1 (bytes \(range.lowerBound)–"
                + "\(range.upperBound - 1)): checksum mismatch: stored …, computed …")
    }
}
