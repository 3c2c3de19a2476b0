import CheckpointFormat
import SystemPackage
import TestSupport
import Testing

@Suite("Checkpoints through pipes and in shards")
struct PipedCheckpointTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
    }

    /// Runs a shell line in which `$CRUX` is the program.
    private func shell(_ line: String) async throws -> CommandResult {
        let program = CommandResult.builtExecutable("crux").string
        return try await CommandResult.run(
            "/bin/sh", ["-c", line], in: folder.path, environment: ["CRUX": program])
    }

    @Test("What comes through a pipe is read as a file is")
    func reading() async throws {
        for line in ["cat base.crux | $CRUX verify -", "$CRUX verify - < base.crux"] {
            let result = try await shell(line)
            #expect(result.exitCode == 0, "\(result.standardError)")
        }
        let damaged = try await shell("head -c 5000 base.crux | $CRUX verify -")
        #expect(damaged.exitCode == 1)
        #expect(damaged.standardOutput.contains("the file does not end in a trailer"))
        let inspected = try await shell("cat base.crux | $CRUX inspect - --json")
        #expect(inspected.exitCode == 0, "\(inspected.standardError)")
        let twice = try await shell("$CRUX verify - - < base.crux")
        #expect(twice.exitCode == 64)
    }

    @Test("A conversion goes from pipe to pipe")
    func converting() async throws {
        let result = try await shell(
            "cat base.crux | $CRUX convert - - --to safetensors | $CRUX convert - - --to crux > back.crux")
        #expect(result.exitCode == 0, "\(result.standardError)")
        #expect(result.standardError.contains("read back and compared"))
        let (old, new) = try (
            CheckpointReader(path: folder.file("base.crux")), CheckpointReader(path: folder.file("back.crux"))
        )
        #expect(new.weightsDigest == old.weightsDigest)
        #expect(new.metadata == old.metadata)
        let unnamed = try await shell("$CRUX convert base.crux - > /dev/null")
        #expect(unnamed.exitCode == 64)
        let broken = try await shell("head -c 100 base.crux | $CRUX convert - - --to crux | wc -c")
        #expect(broken.standardOutput.contains("0"))
    }

    @Test("Shards are written up to a size, and read as one")
    func sharding() async throws {
        let result = try await CommandResult.crux(
            ["convert", "base.crux", "parts.crux", "--shard-size", "20KB"], in: folder.path)
        #expect(result.exitCode == 0, "\(result.standardError)")
        let reader = try CheckpointReader(path: folder.file("parts.crux"))
        #expect(reader.shards.count > 1)
        let same = try await CommandResult.crux(["diff", "base.crux", "parts.crux"], in: folder.path)
        #expect(same.exitCode == 0, "\(same.standardOutput)\(same.standardError)")
        for name in ["parts.crux", reader.shards[0].name] {
            let verified = try await CommandResult.crux(["verify", name], in: folder.path)
            #expect(verified.exitCode == 0, "\(verified.standardOutput)")
        }
        let folderOfParts = try await CommandResult.crux(
            ["convert", "base.crux", "parts", "--to", "safetensors", "--shard-size", "20KB"], in: folder.path)
        #expect(folderOfParts.exitCode == 0, "\(folderOfParts.standardError)")
        let asOne = try await CommandResult.crux(["diff", "base.crux", "parts", "--strict"], in: folder.path)
        #expect(asOne.exitCode == 0, "\(asOne.standardOutput)\(asOne.standardError)")
        // A folder that holds something is not written to.
        let again = try await CommandResult.crux(
            ["convert", "base.crux", "parts", "--to", "safetensors", "--shard-size", "20KB"], in: folder.path)
        #expect(again.exitCode == 2)
        for arguments in [["parts.gguf", "--shard-size", "20KB"], ["parts.crux", "--shard-size", "0"]] {
            let refused = try await CommandResult.crux(["convert", "base.crux"] + arguments, in: folder.path)
            #expect(refused.exitCode == 64)
        }
        let delta = try await CommandResult.crux(
            ["convert", "policy.crux", "small.crux", "--shard-size", "20KB", "--base", "base.crux"], in: folder.path)
        #expect(delta.exitCode == 64)
    }
}
