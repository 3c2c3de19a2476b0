import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite("crux verify for pipelines")
struct VerifyCommandTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
    }

    private func crux(_ arguments: String..., environment: [String: String] = [:]) async throws -> CommandResult {
        try await CommandResult.crux(arguments, in: folder.path, environment: environment)
    }

    private func file(_ name: String) throws -> [String: Any] {
        let bytes = try folder.file(name).readBytes()
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    }

    @Test("Reports are written whether files are valid or not")
    func reports() async throws {
        let result = try await crux(
            "verify", "base.crux", "damaged.crux", "--junit", "out.xml", "--sarif", "out.sarif",
            environment: ["GITHUB_ACTIONS": "true"])
        #expect(result.exitCode == 1)
        #expect(result.standardError.hasPrefix("::error file=damaged.crux,title=crux verify%3A damaged::tensor "))
        let xml = String(decoding: try folder.file("out.xml").readBytes(), as: UTF8.self)
        #expect(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\""))
        let run = try #require((try file("out.sarif")["runs"] as? [[String: Any]])?.first)
        #expect((run["results"] as? [[String: Any]])?.first?["ruleId"] as? String == "damaged")
    }

    @Test("A folder of one crux file, or of shards and others, is verified whole")
    func foldersOfCruxFiles() async throws {
        for names in [["swift-writer"], ["sharded", "sharded-1-of-2", "sharded-2-of-2", "empty"]] {
            let inner = folder.file(names[0])
            try FileManager.default.createDirectory(atPath: inner.string, withIntermediateDirectories: false)
            for name in names {
                try FileManager.default.copyItem(
                    atPath: Fixtures.path("valid/v1/\(name).crux").string, toPath: "\(inner)/\(name).crux")
            }
            let result = try await crux("verify", names[0])
            #expect(result.exitCode == 0, "\(result.standardError)")
            for name in names { #expect(result.standardOutput.contains("valid  \(names[0])/\(name).crux")) }
        }
        try "verify: full\n".write(
            toFile: folder.file("policy.yml").string, atomically: true, encoding: .utf8)
        let checked = try await crux("check", "swift-writer", "--policy", "policy.yml")
        #expect(checked.exitCode == 0, "\(checked.standardOutput) \(checked.standardError)")
    }

    @Test("A folder stands for the checkpoints below it")
    func folders() async throws {
        let result = try await crux("verify", ".", "--json", "--quick")
        #expect(result.exitCode == 1, "\(result.standardError)")
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(result.standardOutput.utf8)) as? [String: Any])
        let files = try #require(json["files"] as? [[String: Any]])
        let status = Dictionary(
            uniqueKeysWithValues: files.map { ($0["path"] as? String ?? "", $0["status"] as? String ?? "") })
        #expect(status["./base.crux"] == "valid")
        #expect(status["./damaged.crux"] == "invalid")
        try FileManager.default.createDirectory(
            atPath: folder.file("empty").string, withIntermediateDirectories: false)
        let empty = try await crux("verify", "empty")
        #expect(empty.exitCode == 2)
        #expect(empty.standardError == "error: empty: holds no checkpoint\n")
    }

    @Test("NaN and infinite values are listed, and refused where they must not be", arguments: ["crux", "safetensors"])
    func nonFinite(format: String) async throws {
        let header = #"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"# + " "
        let values: [Float] = [.nan, -.infinity, 1]
        try folder.file("w.safetensors").writeBytes(
            [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8)
                + values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } })
        if format == "crux" { _ = try await crux("convert", "w.safetensors", "w.crux") }
        let lenient = try await crux("verify", "w.\(format)")
        #expect(lenient.exitCode == 0)
        #expect(lenient.standardOutput.contains("tensor 'w': 1 NaN, 1 infinity"))
        let strict = try await crux("verify", "w.\(format)", "--finite")
        #expect(strict.exitCode == 1)
        #expect(strict.standardOutput.contains("(notFinite)\n  tensor 'w': 1 NaN, 1 infinity"))
    }

    @Test("A signature beside a checkpoint or inside it is checked; changes after signing are named")
    func signatures() async throws {
        #expect(try await crux("keygen", "k").exitCode == 0)
        let unsigned = try await crux("verify", "base.crux", "--signed-by", "k.pub")
        #expect(unsigned.exitCode == 1)
        #expect(unsigned.standardOutput.contains("there is no signature: base.crux.sig is missing"))
        #expect(try await crux("sign", "base.crux", "--key", "k", "--embed").exitCode == 0)
        #expect(try await crux("verify", "base.crux", "--signed-by", "k.pub").exitCode == 0)
        #expect(try await crux("edit", "base.crux", "--set", "note=changed").exitCode == 0)
        let changed = try await crux("verify", "base.crux", "--signed-by", "k.pub")
        #expect(changed.exitCode == 1)
        #expect(changed.standardOutput.contains(#"metadata "note" was added"#))
        // The same signature goes along into other formats, and one beside the file comes first.
        #expect(try await crux("sign", "base.crux", "--key", "k").exitCode == 0)
        #expect(try await crux("verify", "base.crux", "--signed-by", "k.pub").exitCode == 0)
        let elsewhere = try await crux("sign", "noise.bin", "--key", "k", "--embed")
        #expect(elsewhere.exitCode == 2)
    }
}
