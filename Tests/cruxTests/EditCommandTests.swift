import SystemPackage
import TestSupport
import Testing

@Suite("Changing metadata")
struct EditCommandTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
    }

    private func edit(_ arguments: String...) async throws -> CommandResult {
        try await CommandResult.crux(["edit", "base.crux"] + arguments, in: folder.path)
    }

    @Test("Keys are added, changed and removed; the tensors are not touched")
    func changes() async throws {
        let old = try folder.file("base.crux").readBytes()
        let added = try await edit("--set", "note=7", "--type", "u32")
        #expect(added.standardOutput == "base.crux: changed\n  + note: {\"type\":\"uint32\",\"value\":7}\n")
        // A key keeps its type.
        let changed = try await edit("--set", "note=8")
        #expect(
            changed.standardOutput == "base.crux: changed\n  ~ note: {\"type\":\"uint32\",\"value\":7} → "
                + "{\"type\":\"uint32\",\"value\":8}\n")
        #expect(try folder.file("base.crux").readBytes().prefix(old.count) == old[...])
        let verified = try await CommandResult.crux(["verify", "base.crux"], in: folder.path)
        #expect(verified.exitCode == 0, "\(verified.standardOutput)")
        let removed = try await edit("--remove", "note")
        #expect(removed.standardOutput == "base.crux: changed\n  - note: {\"type\":\"uint32\",\"value\":8}\n")
        let same = try await edit("--set", "crux.kind=pretrained", "--force", "--dry-run")
        #expect(same.exitCode == 0)
    }

    @Test(
        "What cannot be done is named, and nothing is written",
        arguments: [
            (["--set", "crux.step=8"], 2, "metadata 'crux.step': keys that begin with 'crux.'"),
            (["--set", "note=300", "--type", "u8"], 2, "found '300', expected a value of type uint8"),
            (["--set-json", "note={"], 2, "--set-json note: found '{'"),
            (["--remove", "nothing"], 2, "metadata 'nothing': there is no such key"),
            (["--set", "note"], 64, "found 'note', expected key=value"),
            (["--set", "a=b", "--type", "u7"], 64, "--type: found 'u7'"),
            ([], 64, "expected at least one of --set"),
        ])
    func refusals(arguments: [String], exitCode: Int, words: String) async throws {
        let old = try folder.file("base.crux").readBytes()
        let result = try await CommandResult.crux(["edit", "base.crux"] + arguments, in: folder.path)
        #expect(result.exitCode == exitCode)
        #expect(result.standardError.contains(words), "\(result.standardError)")
        #expect(try folder.file("base.crux").readBytes() == old)
    }

    @Test("The changes as JSON")
    func json() async throws {
        let dry = try await edit("--set", "note=x", "--json", "--dry-run")
        #expect(dry.standardOutput.contains("\"isWritten\" : false"))
        let result = try await edit("--set", "note=x", "--json")
        #expect(result.exitCode == 0)
        for part in ["\"schemaVersion\" : 1", "\"key\" : \"note\"", "\"isWritten\" : true"] {
            #expect(result.standardOutput.contains(part), "\(result.standardOutput)")
        }
    }

    @Test("A dry run writes nothing")
    func dryRun() async throws {
        let old = try folder.file("base.crux").readBytes()
        let result = try await edit("--set", "note=7", "--dry-run")
        #expect(
            result.standardOutput == "base.crux: would change\n  + note: {\"type\":\"string\",\"value\":\"7\"}\n")
        #expect(try folder.file("base.crux").readBytes() == old)
    }
}
