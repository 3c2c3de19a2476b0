import CheckpointFormat
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct SalvageTests {
    /// A whole file, and where in it each part lies that a tensor needs.
    struct Subject {
        let folder: TemporaryFolder
        let path: FilePath
        let bytes: [UInt8]
        let tensors: [StoredTensor]
        /// Header and body of the index section.
        let index: Range<Int>

        init(_ options: WriterOptions = WriterOptions(chunkByteCount: 256, workerCount: 2)) throws {
            folder = try TemporaryFolder()
            path = folder.file("run.crux")
            try SmallCheckpoint.write(at: path, options: options)
            bytes = try path.readBytes()
            tensors = try CheckpointReader(path: path).tensors
            index = Self.section(bytes, at: ResealedDamageTests.number(bytes, at: bytes.count - 56))
        }

        /// Header and body of the section at an offset, without padding.
        static func section(_ bytes: [UInt8], at offset: Int) -> Range<Int> {
            offset..<offset + 64 + ResealedDamageTests.number(bytes, at: offset + 16)
        }

        /// The names whose content must come back from a changed file: their chunks are whole, and so is what proves
        /// it, the index or the record's own head and table. Written without the code under test.
        func intactNames(in changed: [UInt8]) -> [String] {
            func isWhole(_ range: Range<Int>) -> Bool {
                range.upperBound <= changed.count && changed[range] == bytes[range]
            }
            return tensors.filter { tensor in
                let table = (tensor.byteRange.upperBound + 63) / 64 * 64
                let isProven =
                    isWhole(index)
                    || isWhole(Self.section(bytes, at: tensor.recordRange.lowerBound))
                        && isWhole(Self.section(bytes, at: table))
                return isProven && isWhole(tensor.byteRange)
            }.map(\.name)
        }

        /// Repairs a changed file and checks that exactly what is whole comes back, bit for bit.
        func check(_ changed: [UInt8], _ comment: @autoclosure () -> String) throws {
            try path.writeBytes(changed)
            let expected = intactNames(in: changed)
            let salvage: Salvage
            do {
                salvage = try Salvage(path: path, workerCount: 1)
            } catch {
                if error.kind != .notACheckpoint || !expected.isEmpty { Issue.record("\(comment()): \(error)") }
                return
            }
            let report = salvage.report
            if report.tensors.map(\.name) != expected {
                Issue.record("\(comment()): found \(report.tensors.map(\.name)), expected \(expected)")
            }
            for tensor in report.tensors where tensor.digest != tensors.first(where: { $0.name == tensor.name })?.digest
            {
                Issue.record("\(comment()): '\(tensor.name)' came back otherwise")
            }
            // Nothing is lost in silence.
            if report.isComplete, report.tensors.count < tensors.count || report.metadataCount != 2 {
                Issue.record("\(comment()): something is lost and not listed")
            }
        }
    }

    @Test func aWholeFileComesBackWhole() throws {
        let subject = try Subject()
        let salvage = try Salvage(path: subject.path)
        #expect(salvage.report.isComplete)
        #expect(salvage.report.evidence == .index)
        #expect(salvage.report.findings == [])
        let out = subject.folder.file("out.crux")
        try salvage.write(to: out)
        #expect(try out.readBytes() == subject.bytes)
    }

    @Test func afterEveryTruncationExactlyTheWholeTensorsComeBack() throws {
        let subject = try Subject()
        for count in subject.bytes.indices {
            try subject.check(Array(subject.bytes[..<count]), "\(count) bytes")
        }
    }

    @Test(arguments: [
        (1, 0x00, 1), (64, 0x00, 1), (8, 0x00, 7), (200, 0x00, 7), (1000, 0x00, 7), (1, 0xFF, 7), (64, 0xFF, 7),
    ])
    func afterDamageOfAnyRangeExactlyTheWholeTensorsComeBack(count: Int, mask: UInt8, step: Int) throws {
        let subject = try Subject()
        for start in stride(from: 0, to: subject.bytes.count, by: step) {
            var bytes = subject.bytes
            // Zeroed, or every bit flipped.
            for place in start..<min(start + count, bytes.count) { bytes[place] = mask == 0 ? 0 : bytes[place] ^ mask }
            try subject.check(bytes, "\(count) bytes from \(start)")
        }
    }

    @Test func withoutHeaderAndTrailerAllComesBack() throws {
        let subject = try Subject()
        var bytes = subject.bytes
        bytes.replaceSubrange(..<64, with: [UInt8](repeating: 0, count: 64))
        bytes.removeLast(64)
        try subject.path.writeBytes(bytes)
        let salvage = try Salvage(path: subject.path)
        #expect(salvage.report.isComplete)
        #expect(salvage.report.findings.map(\.place.section) == ["header", "trailer"])
        let out = subject.folder.file("out.crux")
        try salvage.write(to: out)
        #expect(try out.readBytes() == subject.bytes)
    }

    @Test func aDamagedIndexBehindWholeRecordsLosesNothing() throws {
        let subject = try Subject()
        for place in [subject.index.lowerBound, subject.index.lowerBound + 64, subject.index.upperBound - 1] {
            var bytes = subject.bytes
            bytes[place] ^= 1
            try subject.path.writeBytes(bytes)
            let report = try Salvage(path: subject.path).report
            #expect(report.isComplete, "\(report.lost)")
            #expect(report.evidence == .records)
        }
    }

    @Test func bytesThatAreMissingOrWereAddedMoveTheRest() throws {
        let subject = try Subject()
        let first = subject.tensors[0].recordRange
        // Behind the first record, before it, and the header with more.
        for (removed, names) in [
            (first.upperBound..<first.upperBound + 1, subject.tensors.map(\.name)),
            (0..<64, subject.tensors.map(\.name)),
            (0..<first.lowerBound + 3, subject.tensors.map(\.name)),
            (subject.tensors[0].byteRange, subject.tensors.dropFirst().map(\.name)),
        ] {
            var bytes = subject.bytes
            bytes.removeSubrange(removed)
            try subject.path.writeBytes(bytes)
            #expect(try Salvage(path: subject.path).report.tensors.map(\.name).count >= names.count - 1)
        }
        for count in [1, 64, 1000] {
            for place in [0, first.lowerBound, first.upperBound, subject.index.lowerBound] {
                var bytes = subject.bytes
                bytes.insert(contentsOf: repeatElement(7, count: count), at: place)
                try subject.path.writeBytes(bytes)
                let report = try Salvage(path: subject.path).report
                #expect(report.tensors.map(\.name) == subject.tensors.map(\.name), "\(count) bytes at \(place)")
                #expect(report.metadataCount == 2)
            }
        }
    }

    @Test func chunksThatAreLostAreNamed() throws {
        let subject = try Subject()
        let tensor = try #require(subject.tensors.first { $0.name == "h.0.ln_1.weight" })
        var bytes = subject.bytes
        bytes[tensor.chunks[0].byteRange.lowerBound] ^= 1
        try subject.path.writeBytes(bytes)
        let report = try Salvage(path: subject.path).report
        let loss = try #require(report.lost.first)
        #expect(report.lost.count == 1)
        #expect(loss.part == .tensor)
        #expect(loss.name == tensor.name)
        #expect(loss.shape == [100])
        #expect(loss.dtype == "F32")
        #expect(loss.chunkCount == 2)
        #expect(loss.intactChunkCount == 1)
        #expect(loss.lostContentRanges == [0..<256])
        #expect(loss.problem == "1 of 2 chunks are whole")
        #expect(loss.findings.map(\.place.chunk) == [0])
        #expect(loss.findings.map(\.kind) == [.damaged])
    }

    @Test func aLostHeadLeavesANamelessRecord() throws {
        let subject = try Subject()
        let tensor = subject.tensors[1]
        var bytes = subject.bytes
        bytes[tensor.recordRange.lowerBound] ^= 1
        bytes[subject.index.lowerBound] ^= 1
        try subject.path.writeBytes(bytes)
        let report = try Salvage(path: subject.path).report
        let lost = report.lost.filter { $0.part == .tensor }
        #expect(lost.map(\.byteRange) == [tensor.recordRange])
        #expect(lost.map(\.problem) == ["the record's head is lost: name, type and shape are unknown"])
        #expect(report.tensors.map(\.name) == subject.tensors.map(\.name).filter { $0 != tensor.name })
    }

    @Test func aRepairedFileSaysWhatItLacks() throws {
        let subject = try Subject()
        try subject.path.writeBytes(Array(subject.bytes[..<subject.tensors[2].byteRange.upperBound]))
        let salvage = try Salvage(path: subject.path)
        let out = subject.folder.file("out.crux")
        try salvage.write(to: out)
        #expect(Verifier.verify(path: out).findings == [])
        let reader = try CheckpointReader(path: out)
        #expect(reader.tensors.map(\.name) == ["h.0.ln_1.weight", "zeros"])
        for tensor in reader.tensors {
            #expect(try reader.readBytes(of: tensor) == SmallCheckpoint.contents[tensor.name]?.bytes)
        }
        guard case .array(let lost) = reader.metadata[Salvage.lostKey] else {
            Issue.record("no list of what is lost")
            return
        }
        #expect(lost.elements.compactMap(\.stringValue) == ["tensor text", "end", "metadata"])
    }

    @Test func aCheckpointInsideATensorIsContent() throws {
        let inner = try Subject()
        let folder = try TemporaryFolder()
        let path = folder.file("outer.crux")
        let writer = try CheckpointWriter.create(at: path, options: WriterOptions(codec: .raw))
        let description = try TensorDescription(name: "nested", dtype: .u8, shape: [inner.bytes.count])
        try writer.append(description, bytes: unsafe inner.bytes.span.bytes)
        try writer.append(SmallCheckpoint.description("scalar"), bytes: unsafe [UInt8](1...8).span.bytes)
        try writer.finish()
        var bytes = try path.readBytes()
        let index = Subject.section(bytes, at: ResealedDamageTests.number(bytes, at: bytes.count - 56))
        bytes[index.lowerBound] ^= 1
        try path.writeBytes(bytes)
        #expect(try Salvage(path: path).report.tensors.map(\.name) == ["nested", "scalar"])
        // The same where the outer tensor's head, or its table, is lost.
        let nested = try #require(CheckpointReader.records(bytes).first)
        for place in [nested.lowerBound, nested.upperBound - 1] {
            var broken = bytes
            broken[place] ^= 1
            try path.writeBytes(broken)
            #expect(try Salvage(path: path).report.tensors.map(\.name).last == "scalar")
        }
    }

    @Test func anEditedFileComesBackAsItsLastWholeIndexSays() throws {
        let subject = try Subject()
        var edit = try CheckpointEdit(path: subject.path)
        edit.set("note", to: .string("new"))
        try edit.save()
        let edited = try subject.path.readBytes()
        try subject.path.writeBytes(Array(edited.dropLast(64)))
        let whole = try Salvage(path: subject.path)
        #expect(whole.report.isComplete)
        #expect(whole.report.metadataCount == 3)
        // The new index is cut: the old one is the last that is whole.
        try subject.path.writeBytes(Array(edited.dropLast(200)))
        let old = try Salvage(path: subject.path).report
        #expect(old.metadataCount == 2)
        #expect(old.lost.map(\.part) == [.bytes])
        #expect(old.tensors.count == subject.tensors.count)
    }

    @Test func unknownOptionalSectionsAreKept() throws {
        let folder = try TemporaryFolder()
        let source = Fixtures.path("valid/v1/optional-section.crux")
        var bytes = try source.readBytes()
        bytes[0] ^= 1
        let path = folder.file("run.crux")
        try path.writeBytes(bytes)
        let salvage = try Salvage(path: path)
        #expect(salvage.report.isComplete)
        let out = folder.file("out.crux")
        try salvage.write(to: out)
        #expect(Verifier.verify(path: out).findings == [])
        let kept = try out.readBytes()
        let kinds = CheckpointReader.sections(bytes).map(\.kind).filter { ("a"..."z").contains($0.first ?? "A") }
        #expect(!kinds.isEmpty)
        #expect(CheckpointReader.sections(kept).map(\.kind).filter { kinds.contains($0) } == kinds)
    }

    @Test(arguments: FixtureTests.invalid)
    func noInvalidFixtureBringsBackWrongContent(name: String) throws {
        let folder = try TemporaryFolder()
        guard let salvage = try? Salvage(path: Fixtures.path("invalid/\(name)")), !salvage.report.isEmpty else {
            return
        }
        let out = folder.file("out.crux")
        try salvage.write(to: out)
        #expect(Verifier.verify(path: out).findings == [])
        let reader = try CheckpointReader(path: out)
        #expect(reader.tensors.map(\.digest) == salvage.report.tensors.map(\.digest))
    }

    @Test func randomDamageNeverTraps() throws {
        let subject = try Subject()
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<2000 {
            var bytes = subject.bytes
            bytes.damage(repeatedByteCount: 2000, using: &generator)
            try subject.path.writeBytes(bytes)
            guard let report = try? Salvage(path: subject.path, workerCount: 1).report else { continue }
            for tensor in report.tensors {
                #expect(tensor.digest == subject.tensors.first { $0.name == tensor.name }?.digest)
            }
        }
    }

    @Test func sectionsWithExtremeNumbersNeverTrap() throws {
        let subject = try Subject()
        var generator = SeededGenerator(seed: 13)
        let sections = CheckpointReader.sections(subject.bytes)
        for _ in 0..<3000 {
            var bytes = subject.bytes
            // The index is lost, so that the records count.
            bytes[subject.index.lowerBound] ^= 1
            guard let section = sections.randomElement(using: &generator) else { return }
            ResealedDamageTests.mutate(&bytes, in: section.offset + 16..<section.offset + 32, using: &generator)
            ResealedDamageTests.mutate(&bytes, in: section.body, using: &generator)
            ResealedDamageTests.sealSection(&bytes, at: section.offset, body: section.body)
            try subject.path.writeBytes(bytes)
            _ = try? Salvage(path: subject.path, workerCount: 1)
        }
    }

    @Test func whatIsNoCheckpointIsNamed() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("noise")
        for bytes in [[], Array("no checkpoint".utf8), [UInt8](repeating: 0, count: 5000)] {
            try path.writeBytes(bytes)
            let error = try #require(throws: CheckpointError.self) { _ = try Salvage(path: path) }
            #expect(error.kind == .notACheckpoint)
        }
        try path.writeBytes(try Fixtures.path("invalid/header-read-version-newer.crux").readBytes())
        let error = try #require(throws: CheckpointError.self) { _ = try Salvage(path: path) }
        #expect(error.kind == .unsupportedVersion)
    }
}

extension CheckpointReader {
    /// The sections of a whole file, found by their magic alone.
    static func sections(_ bytes: [UInt8]) -> [(kind: String, offset: Int, body: Range<Int>)] {
        let magic: [UInt8] = [0x8B, 0x63, 0x72, 0x78, 0x0D, 0x0A, 0x1A, 0x0A]
        return stride(from: 64, to: bytes.count - 64, by: 64).compactMap { offset in
            guard bytes[offset..<offset + 8] == magic[...],
                ResealedDamageTests.number(bytes, at: offset + 24) == offset
            else { return nil }
            return (
                String(decoding: bytes[offset + 8..<offset + 12], as: UTF8.self), offset,
                ResealedDamageTests.body(bytes, at: offset)
            )
        }
    }

    /// Where the records of a whole file lie.
    static func records(_ bytes: [UInt8]) -> [Range<Int>] {
        let all = sections(bytes)
        return zip(all, all.dropFirst()).filter { $0.kind == "TENS" && $1.kind == "CHNK" }.map {
            $0.offset..<$1.body.upperBound
        }
    }
}
