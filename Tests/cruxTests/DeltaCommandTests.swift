import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite("Deltas on the command line")
struct DeltaCommandTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
    }

    private func crux(_ arguments: String..., environment: [String: String] = [:]) async throws -> CommandResult {
        try await CommandResult.crux(arguments, in: folder.path, environment: environment)
    }

    private func makeDelta() async throws {
        let result = try await crux("convert", "policy.crux", "small.crux", "--base", "base.crux")
        try #require(result.exitCode == 0, "\(result.standardError)")
    }

    @Test("A delta is small, always the same, and whole again after flatten")
    func roundTrip() async throws {
        try await makeDelta()
        let delta = try folder.file("small.crux").readBytes()
        #expect(delta.count * 3 < (try folder.file("policy.crux").readBytes().count))
        try await makeDelta()
        #expect(try folder.file("small.crux").readBytes() == delta)
        // Also when the delta itself is what is stored as a delta.
        let again = try await crux("convert", "small.crux", "again.crux", "--base", "base.crux")
        #expect(again.exitCode == 0, "\(again.standardError)")
        #expect(try folder.file("again.crux").readBytes() == delta)
        let flat = try await crux("flatten", "small.crux", "full.crux")
        #expect(flat.exitCode == 0, "\(flat.standardError)")
        try FileManager.default.removeItem(atPath: folder.file("base.crux").string)
        let same = try await crux("diff", "policy.crux", "full.crux")
        #expect(same.exitCode == 0, "\(same.standardOutput)")
    }

    @Test("Every tool opens a delta by itself")
    func tools() async throws {
        try await makeDelta()
        #expect(try await crux("verify", "small.crux").standardOutput.contains("every byte checked"))
        let inspected = try await crux("inspect", "small.crux", "--stats")
        #expect(inspected.exitCode == 0)
        #expect(inspected.standardOutput.contains(/delta against +[0-9a-f]{32}: base\.crux/))
        #expect(try await crux("inspect", "base.crux").standardOutput.contains("delta against") == false)
        #expect(try await crux("diff", "policy.crux", "small.crux").exitCode == 0)
        #expect(try await crux("diff", "base.crux", "small.crux").exitCode == 1)
        let texts = ["--text", "Input:\n1+1\n"]
        let direct = try await CommandResult.crux(
            ["kl", "base.crux", "policy.crux", "--json"] + texts, in: folder.path)
        let delta = try await CommandResult.crux(["kl", "base.crux", "small.crux", "--json"] + texts, in: folder.path)
        #expect(direct.exitCode == delta.exitCode)
        #expect(try await crux("convert", "small.crux", "full.safetensors").exitCode == 0)
        #expect(try await crux("diff", "policy.crux", "full.safetensors").exitCode == 0)
        #expect(try await crux("edit", "small.crux", "--set", "note=x").exitCode == 0)
        #expect(try await crux("diff", "policy.crux", "small.crux", "--weights-only").exitCode == 0)
    }

    @Test("The base may be of another format, and lie elsewhere")
    func otherFormatsAndPlaces() async throws {
        #expect(try await crux("convert", "base.crux", "base.safetensors").exitCode == 0)
        let made = try await crux("convert", "policy.crux", "small.crux", "--base", "base.safetensors")
        #expect(made.exitCode == 0, "\(made.standardError)")
        #expect(try await crux("verify", "small.crux").standardOutput.contains("every byte checked"))
        #expect(try await crux("diff", "policy.crux", "small.crux").exitCode == 0)
        try FileManager.default.removeItem(atPath: folder.file("base.safetensors").string)
        let missing = try await crux("diff", "policy.crux", "small.crux")
        #expect(missing.exitCode == 2)
        #expect(
            missing.standardError.hasPrefix(
                "error: small.crux: base: the checkpoint that this delta is stored against was not found: weights "))
        #expect(missing.standardError.hasSuffix("; looked at base.safetensors\n"))
        // The same content in a crux file serves as well.
        #expect(try await crux("diff", "policy.crux", "small.crux", "--base", "base.crux").exitCode == 0)
        #expect(try await crux("diff", "policy.crux", "small.crux", "--base-folder", ".").exitCode == 0)
        let found = try await crux(
            "diff", "policy.crux", "small.crux", environment: ["CRUX_BASES": "nowhere:base.crux"])
        #expect(found.exitCode == 0)
    }

    @Test("Without its base, a delta can be described, and what is stored be verified, which is said")
    func withoutBase() async throws {
        try await makeDelta()
        try FileManager.default.moveItem(
            atPath: folder.file("base.crux").string, toPath: folder.file("moved.bin").string)
        let verified = try await crux("verify", "small.crux")
        #expect(verified.exitCode == 0)
        #expect(verified.standardOutput.contains("stored bytes checked"))
        #expect(
            verified.standardOutput.contains("content not checked: the checkpoint that this delta is stored against"))
        let json = try await crux("verify", "small.crux", "--json")
        #expect(json.standardOutput.contains("\"missingBase\""))
        let inspected = try await crux("inspect", "small.crux")
        #expect(inspected.exitCode == 0)
        #expect(inspected.standardOutput.contains("not found, was at base.crux"))
        #expect(try await crux("inspect", "small.crux", "--stats").exitCode == 2)
        #expect(try await crux("flatten", "small.crux", "full.crux").exitCode == 2)
        #expect(!(try folder.entries().contains("full.crux")))
        #expect(try await crux("verify", "small.crux", "--base", "moved.bin").standardOutput.contains("every byte"))
    }

    @Test("Bases that cannot be are named")
    func refusals() async throws {
        try await makeDelta()
        let base = try folder.file("base.crux").readBytes()
        let delta = try folder.file("small.crux").readBytes()
        for (arguments, exitCode, words) in [
            (["convert", "policy.crux", "x.crux", "--base", "nowhere.crux"], 2, "nowhere.crux: there is no such base"),
            (["convert", "policy.crux", "x.crux", "--base", "noise.bin"], 2, "noise.bin"),
            (["convert", "policy.crux", "base.crux", "--base", "base.crux"], 2, "is the base base.crux of a delta"),
            (["flatten", "small.crux", "base.crux"], 2, "is the base base.crux of a delta"),
            (["convert", "policy.crux", "x.crux", "--base", "base.crux", "--codec", "raw"], 64, "--codec raw"),
            (["convert", "policy.crux", "x.crux", "--base", "damaged.crux"], 2, "damaged.crux: tensor '"),
        ] {
            let result = try await CommandResult.crux(arguments, in: folder.path)
            #expect(result.exitCode == exitCode, "\(arguments)")
            #expect(result.standardError.contains(words), "\(result.standardError)")
        }
        #expect(try folder.file("base.crux").readBytes() == base)
        #expect(try folder.file("small.crux").readBytes() == delta)
        #expect(!(try folder.entries().contains { $0.contains("x.crux") }))
        // Another checkpoint in the base's place.
        try folder.file("base.crux").writeBytes(folder.file("policy.crux").readBytes())
        let wrong = try await crux("evaluate", "small.crux")
        #expect(wrong.exitCode == 2)
        #expect(wrong.standardError.contains("base.crux: tensor '"))
        #expect(wrong.standardError.contains("this is not the delta's base"))
        #expect(try await crux("verify", "small.crux").exitCode == 1)
    }
}
