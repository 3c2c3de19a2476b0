import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite("JSON of the commands keeps to spec/json")
struct JSONSchemaTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
        let pinned = folder.path.appending("pinned").string
        try FileManager.default.createDirectory(atPath: pinned, withIntermediateDirectories: false)
        try FileManager.default.copyItem(
            atPath: folder.path.appending("base.crux").string, toPath: "\(pinned)/base.crux")
        try folder.file("release.yml").writeBytes(
            Array("{verify: full, lineage: {parent: --reference}, frozen: [wte.weight], values: [norm>1]}\n".utf8))
    }

    private static func schema(_ name: String) throws -> String {
        let path = Fixtures.path("../spec/json/\(name).schema.json")
        return String(decoding: try path.readBytes(), as: UTF8.self)
    }

    @Test(
        "What a command writes is valid",
        arguments: [
            ("inspect", ["inspect", "policy.crux", "--json", "--stats"]),
            ("inspect", ["inspect", "base.crux", "--json"]),
            ("tensor", ["inspect", "base.crux", "--tensor", "wte.weight", "--json"]),
            ("diff", ["diff", "base.crux", "policy.crux", "--json"]),
            ("diff", ["diff", "base.crux", "copy.crux", "--json"]),
            (
                "diff",
                [
                    "diff", "base.crux", "wider.crux", "--json", "--spectrum", "--null", "policy.crux", "--fail-on",
                    "l2:head*>1",
                ]
            ),
            ("kl", ["kl", "base.crux", "policy.crux", "--text", "text.txt", "--json"]),
            (
                "kl",
                [
                    "kl", "base.crux", "policy.crux", "--digits", "2", "--count", "2", "--json", "--fail-on",
                    "k1.mean>9",
                ]
            ),
            ("verify", ["verify", "base.crux", "damaged.crux", "--json"]),
            ("check", ["check", "policy.crux", "--policy", "release.yml", "--reference", "base.crux", "--json"]),
            ("repair", ["repair", "cut.crux", "saved.crux", "--json"]),
            ("evaluate", ["evaluate", "base.crux", "--digits", "2", "--examples", "2", "--json"]),
            ("convert", ["convert", "base.crux", "out.safetensors", "--json"]),
            ("report", ["report", ".", "--digits", "1", "--count", "1", "--source", "truth", "--json"]),
            ("manifest", ["manifest", "pinned"]),
            ("generate", ["generate", "base.crux", "--prompt", "Input:", "--max-tokens", "3", "--json"]),
        ])
    func valid(name: String, arguments: [String]) async throws {
        let result = try await CommandResult.crux(arguments, in: folder.path)
        #expect(result.exitCode < 2, "\(result.standardError)")
        let value = try JSONSerialization.jsonObject(with: Data(result.standardOutput.utf8))
        let problems = try JSONSchema(Self.schema(name)).problems(in: value)
        #expect(problems.isEmpty, "\(problems.prefix(5).joined(separator: "\n"))")
    }

    @Test("A schema refuses what is not the command's: another version, a figure left out, a text for a number")
    func refuses() async throws {
        let result = try await CommandResult.crux(["diff", "base.crux", "policy.crux", "--json"], in: folder.path)
        var value = try #require(
            try JSONSerialization.jsonObject(with: Data(result.standardOutput.utf8)) as? [String: Any])
        let schema = try JSONSchema(Self.schema("diff"))
        #expect(schema.problems(in: value).isEmpty)
        value["schemaVersion"] = 2
        #expect(schema.problems(in: value).count == 1)
        value["schemaVersion"] = 1
        var tolerances = try #require(value["tolerances"] as? [String: Any])
        tolerances["absolute"] = "small"
        value["tolerances"] = tolerances
        #expect(schema.problems(in: value).count == 1)
        value["tensors"] = nil
        #expect(schema.problems(in: value).count == 2)
    }
}
