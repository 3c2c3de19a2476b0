import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite("What the commands write beside their text")
struct CommandTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
    }

    private func crux(_ arguments: String..., environment: [String: String] = [:]) async throws -> CommandResult {
        try await CommandResult.crux(arguments, in: folder.path, environment: environment)
    }

    private func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test(
        "JSON has a schemaVersion, and nothing else is on standard output",
        arguments: [
            ["inspect", "base.crux", "--json", "--stats"], ["verify", "base.crux", "damaged.crux", "--json"],
            ["diff", "base.crux", "policy.crux", "--json"],
            ["kl", "base.crux", "policy.crux", "--text", "text.txt", "--json"],
            ["convert", "base.crux", "base.safetensors", "--json"],
        ])
    func schema(arguments: [String]) async throws {
        let result = try await CommandResult.crux(arguments, in: folder.path)
        #expect(try json(result.standardOutput)["schemaVersion"] as? Int == (arguments[0] == "kl" ? 2 : 1))
    }

    @Test("The same weights have the same digest in any format, and no difference")
    func conversion() async throws {
        let converted = try await crux("convert", "policy.crux", "policy.safetensors")
        #expect(converted.exitCode == 0, "\(converted.standardError)")
        let back = try await crux("convert", "policy.safetensors", "back.crux")
        #expect(back.exitCode == 0, "\(back.standardError)")
        var digests: Set<String> = []
        for name in ["policy.crux", "policy.safetensors", "back.crux"] {
            let result = try await crux("inspect", name, "--json")
            digests.insert(try #require(try json(result.standardOutput)["weightsDigest"] as? String))
        }
        #expect(digests.count == 1)
        #expect(try await crux("diff", "policy.crux", "policy.safetensors").exitCode == 0)
        #expect(try await crux("diff", "back.crux", "policy.crux").exitCode == 0)
    }

    @Test("A report page is written whole, beside the text")
    func pages() async throws {
        let diff = try await crux("diff", "base.crux", "policy.crux", "--html", "diff.html")
        #expect(diff.exitCode == 1, "\(diff.standardError)")
        let kl = try await crux(
            "kl", "base.crux", "policy.crux", "--digits", "2", "--count", "3", "--html", "kl.html")
        #expect(kl.exitCode == 0, "\(kl.standardError)")
        for name in ["diff.html", "kl.html"] {
            let page = String(decoding: try folder.file(name).readBytes(), as: UTF8.self)
            #expect(page.hasPrefix("<!DOCTYPE html>"))
            #expect(page.hasSuffix("</html>\n"))
        }
        #expect(try folder.entries().allSatisfy { !$0.contains(".tmp-") })
    }

    @Test("A page that cannot be written is an error, and nothing is left behind")
    func unwritablePage() async throws {
        let result = try await crux("diff", "base.crux", "policy.crux", "--html", "nowhere/diff.html")
        #expect(result.exitCode == 2)
        #expect(result.standardOutput == "")
        #expect(result.standardError.hasPrefix("error: nowhere/diff.html: "))
        #expect(result.standardError.split(separator: "\n").count == 1)
    }

    @Test("The result does not depend on the workers")
    func workers() async throws {
        for arguments in [
            ["diff", "base.crux", "policy.crux"],
            ["kl", "base.crux", "policy.crux", "copy.crux", "--digits", "2", "--count", "5", "--cross-sample", "1,2"],
            ["inspect", "policy.crux", "--stats"],
        ] {
            let one = try await CommandResult.crux(arguments + ["--workers", "1", "--json"], in: folder.path)
            let three = try await CommandResult.crux(arguments + ["--workers", "3", "--json"], in: folder.path)
            #expect(one.standardOutput == three.standardOutput)
            #expect(!one.standardOutput.isEmpty)
        }
    }

    @Test("A reader that goes away is no crash")
    func brokenPipe() async throws {
        let program = CommandResult.builtExecutable("crux").string
        for shell in ["", "trap '' PIPE; "] {
            let result = try await CommandResult.run(
                "/bin/sh", ["-c", shell + "\(program) inspect policy.crux --json --stats | head -c 1"], in: folder.path)
            #expect(result.standardOutput == "{")
            #expect(result.standardError == "")
        }
    }

    @Test("Colours when they are forced, none otherwise")
    func colours() async throws {
        let plain = try await crux(
            "diff", "base.crux", "policy.crux", environment: ["CLICOLOR_FORCE": "", "NO_COLOR": ""])
        #expect(!plain.standardOutput.contains("\u{1B}"))
        let forced = try await crux(
            "diff", "base.crux", "policy.crux", environment: ["CLICOLOR_FORCE": "1", "NO_COLOR": "", "TERM": "xterm"])
        #expect(forced.standardOutput.contains("\u{1B}["))
    }
}
