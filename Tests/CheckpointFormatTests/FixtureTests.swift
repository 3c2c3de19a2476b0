import CheckpointFormat
import Codecs
import Foundation
import OrderedCollections
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct FixtureTests {
    /// What `expected.json` says about a valid file.
    struct Expectation: Decodable {
        struct Tensor: Decodable {
            var name, dtype, digest, sha256: String
            var shape: [Int]
            var role: UInt8
            var byteCount: Int
        }
        struct Entry: Decodable {
            var key: String
            var type: String
        }
        var writeVersion: Int
        var fileDigest, weightsDigest: String
        var metadata: [Entry]
        var tensors: [Tensor]
    }

    static let valid = names("valid/v1")
    static let invalid = names("invalid")

    static func names(_ folder: String) -> [String] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path(folder).string)) ?? []
        return entries.filter { $0.hasSuffix(".crux") }.sorted()
    }

    static func expectations() throws -> [String: Expectation] {
        let bytes = try Fixtures.path("valid/v1/expected.json").readBytes()
        return try JSONDecoder().decode([String: Expectation].self, from: Data(bytes))
    }

    @Test func thereAreFixtures() throws {
        #expect(Self.valid.count >= 15)
        #expect(Self.invalid.count >= 190)
        #expect(try Self.expectations().keys.sorted() == Self.valid)
    }

    @Test(arguments: valid)
    func aValidFileHoldsWhatIsExpected(name: String) throws {
        let path = Fixtures.path("valid/v1/\(name)")
        let expected = try #require(Self.expectations()[name])
        for mode in VerificationReport.Mode.allCases {
            #expect(Verifier.verify(path: path, mode: mode).findings == [])
        }
        let reader = try CheckpointReader(path: path)
        #expect(reader.formatVersion == expected.writeVersion)
        #expect(reader.fileDigest.hex == expected.fileDigest)
        #expect(reader.weightsDigest.hex == expected.weightsDigest)
        #expect(reader.metadata.keys.elements == expected.metadata.map(\.key))
        #expect(reader.metadata.values.map(\.type.description) == expected.metadata.map(\.type))
        #expect(reader.tensors.count == expected.tensors.count)
        for (tensor, expected) in zip(reader.tensors, expected.tensors) {
            #expect(tensor.name.utf8.elementsEqual(expected.name.utf8))
            #expect(tensor.description.dtype.rawValue == expected.dtype)
            #expect(tensor.description.shape == Shape(expected.shape))
            #expect(tensor.description.role.rawValue == expected.role)
            #expect(tensor.description.byteCount == expected.byteCount)
            #expect(tensor.digest.hex == expected.digest)
            let bytes = try reader.readBytes(of: tensor)
            #expect(
                unsafe ContentDigest.tensor(
                    dtype: tensor.description.dtype, shape: tensor.description.shape, bytes: bytes.span.bytes)
                    == tensor.digest)
            var streamed: [UInt8] = []
            try reader.forEachChunk(of: tensor) { range, bytes in
                #expect(range == streamed.count..<streamed.count + bytes.byteCount)
                unsafe bytes.withUnsafeBytes { unsafe streamed.append(contentsOf: $0) }
            }
            #expect(streamed == bytes)
        }
    }

    @Test(arguments: valid, WriterOptions.CodecChoice.allCases)
    func aValidFileCanBeWrittenAnew(name: String, codec: WriterOptions.CodecChoice) throws {
        let reader = try CheckpointReader(path: Fixtures.path("valid/v1/\(name)"))
        let folder = try TemporaryFolder()
        let path = folder.file("copy.crux")
        let writer = try CheckpointWriter.create(at: path, options: WriterOptions(codec: codec))
        for (key, value) in reader.metadata { writer.setMetadata(key, value) }
        for tensor in reader.tensors {
            try writer.beginTensor(tensor.description)
            try reader.forEachChunk(of: tensor) { _, bytes in try writer.write(bytes) }
            try writer.endTensor()
        }
        try writer.finish()
        let copy = try CheckpointReader(path: path)
        #expect(copy.metadata == reader.metadata)
        #expect(copy.weightsDigest == reader.weightsDigest)
        #expect(copy.tensors.map(\.description) == reader.tensors.map(\.description))
        #expect(copy.tensors.map(\.digest) == reader.tensors.map(\.digest))
        #expect(Verifier.verify(path: path).findings == [])
    }

    /// A line of `findings.json`.
    struct Golden: Codable, Equatable {
        var kind: CheckpointError.Kind
        var finding: String
    }

    /// `CRUX_UPDATE_FIXTURES=1` records the findings; that run fails all the same.
    @Test func anInvalidFileIsRefusedInTheseWords() throws {
        var found: OrderedDictionary<String, [Golden]> = [:]
        for name in Self.invalid {
            let report = Verifier.verify(path: Fixtures.path("invalid/\(name)"))
            #expect(!report.isValid, "\(name) passes")
            // Of deltas, findings name the base, whose path depends on where the repository lies.
            found[name] = report.findings.map { finding in
                Golden(
                    kind: finding.kind,
                    finding: finding.description.replacingOccurrences(of: "\(Fixtures.repository)/", with: ""))
            }
        }
        let path = Fixtures.path("invalid/findings.json")
        if ProcessInfo.processInfo.environment["CRUX_UPDATE_FIXTURES"] == "1" {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let plain = Dictionary(uniqueKeysWithValues: found.map { ($0.key, $0.value) })
            try path.writeBytes([UInt8](try encoder.encode(plain)) + [0x0A])
            Issue.record("findings.json was recorded anew")
        }
        let golden = try JSONDecoder().decode([String: [Golden]].self, from: Data(try path.readBytes()))
        #expect(golden.keys.sorted() == Self.invalid)
        for (name, findings) in found { #expect(golden[name] == findings, "\(name)") }
    }

    /// `CRUX_UPDATE_FIXTURES=1` writes the file where it is missing.
    @Test func theWritersOwnFixtureIsStillWhatItWrites() throws {
        let path = Fixtures.path("valid/v1/swift-writer.crux")
        if ProcessInfo.processInfo.environment["CRUX_UPDATE_FIXTURES"] == "1", !Self.valid.contains("swift-writer.crux")
        {
            try SmallCheckpoint.write(at: path)
            Issue.record("swift-writer.crux was written anew")
        }
        let reader = try CheckpointReader(path: path)
        let folder = try TemporaryFolder()
        try SmallCheckpoint.write(at: folder.file("new.crux"))
        let new = try CheckpointReader(path: folder.file("new.crux"))
        // Not the bytes: another version of libzstd may make other frames.
        #expect(new.weightsDigest == reader.weightsDigest)
        #expect(new.metadata == reader.metadata)
        #expect(new.tensors.map(\.description) == reader.tensors.map(\.description))
        #expect(new.tensors.map(\.codecNames) == reader.tensors.map(\.codecNames))
    }

    @Test(arguments: invalid)
    func readingAnInvalidFileNeverReturnsWrongContent(name: String) {
        do throws(CheckpointError) {
            let reader = try CheckpointReader(path: Fixtures.path("invalid/\(name)"))
            for tensor in reader.tensors { _ = try reader.readBytes(of: tensor) }
            // What reading does not touch, only a verification finds.
            let untouched = [
                "chunk-padding", "head-differs", "head-section-offset", "table-differs", "table-section-body-digest",
                "table-tensor-digest", "table-tensor-digest-small-chunks", "index-optional-digest",
                "index-past-digest",
            ]
            #expect(untouched.contains(String(name.dropLast(5))))
        } catch {
            #expect(!error.problem.isEmpty)
        }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["CRUX_PYTHON"] != nil))
    func thePythonReaderAgrees() async throws {
        let python = FilePath(ProcessInfo.processInfo.environment["CRUX_PYTHON"] ?? "")
        let program = Fixtures.repository.pushing("spec/reader/crux_reader.py").string
        for (folder, names, exitCode) in [("valid/v1", Self.valid, 0), ("invalid", Self.invalid, 1)] {
            let paths = names.map { Fixtures.path("\(folder)/\($0)").string }
            let result = try await CommandResult.run(python, [program] + paths)
            #expect(result.exitCode == exitCode, "\(result.standardError)")
            let lines = result.standardOutput.split(separator: "\n")
            #expect(lines.count == names.count)
            #expect(lines.count(where: { $0.contains("\"refused\": ") }) == exitCode * names.count)
        }
    }
}
