import Foundation
import SystemPackage
import TestSupport
import Testing

/// Whatever the system refuses is an error in words, with exit code 2 (1 where the file itself is to blame): never a crash,
/// never something half-written.
@Suite("When the system says no")
struct ResourceLimitTests {
    let tiny: TinyTraining

    init() throws {
        tiny = try TinyTraining()
        try SampleCheckpoints.write(into: tiny.folder.path)
    }

    private func expectError(
        _ result: CommandResult, codes: Set<Int> = [2], _ about: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(codes.contains(result.exitCode), "\(about): \(result)", sourceLocation: sourceLocation)
        #expect(
            result.standardError.contains("error: ") || result.exitCode == 1, "\(about): \(result)",
            sourceLocation: sourceLocation)
    }

    @Test("Few file descriptors: a command works, or says so")
    func fileDescriptors() async throws {
        // A folder of more checkpoints than may be open at a time.
        for index in 0..<40 {
            try tiny.folder.file("copy-\(index).crux").writeBytes(try tiny.folder.file("copy.crux").readBytes())
        }
        try FileManager.default.removeItem(atPath: tiny.folder.file("damaged.crux").string)
        try FileManager.default.removeItem(atPath: tiny.folder.file("cut.crux").string)
        let enough = try await tiny.shell(#"ulimit -n 24; "$CRUX" verify . --workers 4"#)
        #expect(enough.exitCode == 0, "\(enough)")
        // libdispatch, a part of Swift, ends a process that cannot have some ten.
        for limit in 14...18 {
            for command in ["verify base.crux", "diff base.crux policy.crux", "convert base.crux new.crux"] {
                let result = try await tiny.shell("ulimit -n \(limit); exec \"$CRUX\" \(command)")
                #expect([0, 1, 2].contains(result.exitCode), "\(limit) \(command): \(result)")
                #expect(try tiny.folder.entries().allSatisfy { !$0.hasPrefix(".") })
                try? FileManager.default.removeItem(atPath: tiny.folder.file("new.crux").string)
            }
        }
    }

    @Test("Little memory: a file far larger than it is verified, and one that only says so is refused")
    func memory() async throws {
        // 600 MB of zeros that take no place on the disk.
        let count = 600_000_000
        let header = #"{"w":{"dtype":"U8","shape":[\#(count)],"data_offsets":[0,\#(count)]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let path = tiny.folder.file("large.safetensors")
        try path.writeBytes(
            (0..<8).map { UInt8(truncatingIfNeeded: padded.utf8.count >> (8 * $0)) } + Array(padded.utf8))
        let file = try FileDescriptor.open(path, .readWrite)
        try file.closeAfter { try file.resize(to: Int64(8 + padded.utf8.count + count)) }
        let verified = try await tiny.shell(#"ulimit -v 550000; exec "$CRUX" verify large.safetensors --workers 1"#)
        #expect(verified.exitCode == 0, "\(verified)")

        let declared = header.replacing("\(count)", with: "1000000000000000")
        try tiny.folder.file("said.safetensors").writeBytes(
            (0..<8).map { UInt8(truncatingIfNeeded: declared.utf8.count >> (8 * $0)) } + Array(declared.utf8))
        let refused = try await tiny.shell(#"ulimit -v 550000; exec "$CRUX" verify said.safetensors --workers 1"#)
        #expect(refused.exitCode == 1, "\(refused)")
        #expect(refused.standardOutput.contains("truncated"), "\(refused)")
    }

    @Test("A folder that cannot be written to", arguments: ["/proc", "/sys"])
    func readOnly(folder: String) async throws {
        for command in [
            "convert base.crux \(folder)/new.crux", "convert base.crux \(folder)/new.safetensors",
            "manifest . --out \(folder)/new.lock", "pretrain --config pre.yml -o \(folder)/new.crux --metrics m.jsonl",
            "verify base.crux --junit \(folder)/new.xml", "keygen \(folder)/k",
            "convert base.crux \(folder)/new --for transformers",
        ] {
            let result = try await tiny.crux(arguments: command)
            expectError(result, command)
        }
    }

    @Test("A full device as standard output")
    func fullOutput() async throws {
        for command in ["inspect base.crux", "verify base.crux --json", "diff base.crux policy.crux"] {
            let result = try await tiny.shell(#""$CRUX" \#(command) >/dev/full"#)
            #expect(result.exitCode == 2, "\(command)")
            #expect(
                result.standardError == "error: standard output: cannot write: No space left on device\n", "\(command)")
        }
        expectError(try await tiny.crux(arguments: "convert base.crux /dev/full --to crux"), "a device is no file")
    }

    @Test("A full disk: a small one of memory", .enabled(if: canMount))
    func fullDisk() async throws {
        let result = try await tiny.shell(
            """
            exec unshare -m sh -c 'mkdir disk && mount -t tmpfs -o size=32k none disk || exit 99
            for command in "convert base.crux disk/new.crux --codec raw" "convert policy.crux disk/new.gguf" \
            "convert base.crux disk/new --for transformers" "pretrain --config pre.yml --set checkpoint.every_steps=1 \
            --set model.embedding_size=64 -o disk/run.crux --metrics m.jsonl --force" \
            "diff base.crux policy.crux --html disk/new.html"; do
                "$CRUX" $command >/dev/null; echo "$? $(ls -A disk | wc -l)"
            done'
            """)
        // 2 and nothing left, five times; a report page may fit.
        let lines = result.standardOutput.split(separator: "\n")
        #expect(lines.count == 5, "\(result)")
        for line in lines.prefix(4) { #expect(line == "2 0", "\(result)") }
    }

    static var canMount: Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        process.arguments = ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    @Test("Every read of a file fails in turn, or finds it shorter than it was", .enabled(if: ExitPathTests.hasStrace))
    func failingReads() async throws {
        var failed = 0
        for command in [
            "verify base.crux", "inspect base.crux --stats", "diff base.crux policy.crux", "convert base.crux new.crux",
            "repair damaged.crux new.crux", "kl base.crux policy.crux --text text.txt",
        ] {
            for fault in ["error=EIO", "retval=0"] {
                var failures = 0
                // The first reads, and some of those in the middle.
                for number in Array(1...8) + [12, 20, 40] {
                    let result = try await tiny.shell(
                        "exec strace -f -qq -o /dev/null -e trace=pread64 -e inject=pread64:\(fault):when=\(number) "
                            + "\"$CRUX\" \(command) --no-progress")
                    // The loader reads its libraries by the same call, and a diff that finds nothing wrong ends with 1.
                    #expect([0, 1, 2, 127].contains(result.exitCode), "\(command) \(fault) \(number): \(result)")
                    let said = result.standardError + result.standardOutput
                    failures += said.contains("cannot read") || said.contains("became shorter") ? 1 : 0
                    #expect(try tiny.folder.entries().allSatisfy { !$0.hasPrefix(".") }, "\(command) \(number)")
                    try? FileManager.default.removeItem(atPath: tiny.folder.file("new.crux").string)
                }
                failed += failures > 0 ? 1 : 0
            }
        }
        // What lies in memory already may be mapped instead of read.
        #expect(failed >= 6, "only \(failed) of 12 saw a read fail")
    }

    @Test("A file that is gone when its turn comes")
    func disappearing() async throws {
        try FileManager.default.createSymbolicLink(
            atPath: tiny.folder.file("gone.crux").string, withDestinationPath: "nowhere.crux")
        let verified = try await tiny.crux(arguments: "verify base.crux gone.crux")
        #expect(verified.exitCode == 2)
        #expect(verified.standardError.contains("gone.crux"))
        for command in ["inspect gone.crux", "diff base.crux gone.crux", "convert gone.crux new.crux"] {
            expectError(try await tiny.crux(arguments: command), command)
        }
    }

    @Test("Many writers of one path: what is there in the end is one of theirs, whole")
    func concurrentWriters() async throws {
        let result = try await tiny.shell(
            """
            # Without reading back: what is there by then may be another's.
            for round in 1 2 3; do
                for source in base policy copy; do
                    "$CRUX" convert $source.crux target.crux --no-verify >/dev/null & a=$!
                    "$CRUX" convert $source.crux target.crux --no-verify --codec raw >/dev/null & b=$!
                    "$CRUX" edit target.crux --set note=$round 2>/dev/null >/dev/null & c=$!
                    wait $a || exit 1
                    wait $b || exit 1
                    wait $c
                    "$CRUX" verify target.crux >/dev/null || exit 1
                done
            done
            """)
        #expect(result.exitCode == 0, "\(result)")
        #expect(try tiny.folder.entries().allSatisfy { !$0.hasPrefix(".") })
    }

    @Test("Names in an index lead nowhere else, and a link is followed only where a user has put it")
    func traversal() async throws {
        try await tiny.output("convert", "base.crux", "one.safetensors")
        let outside = try TemporaryFolder()
        try outside.file("two.safetensors").writeBytes(try tiny.folder.file("one.safetensors").readBytes())
        let index = tiny.folder.file("model.safetensors.index.json")
        for name in [
            "../\(outside.path.lastComponent?.string ?? "")/two.safetensors", outside.file("two.safetensors").string,
        ] {
            try index.writeBytes(Array(#"{"weight_map":{"wte.weight":"\#(name)"}}"#.utf8))
            let result = try await tiny.crux(arguments: "verify model.safetensors.index.json")
            #expect(result.exitCode == 1, "\(result)")
            #expect(result.standardOutput.contains("expected a file in the index's own folder"), "\(result)")
        }
        // A cache of models is made of links; a name that is one is a name.
        try FileManager.default.createSymbolicLink(
            atPath: tiny.folder.file("link.safetensors").string,
            withDestinationPath: outside.file("two.safetensors").string)
        #expect(try await tiny.crux(arguments: "verify link.safetensors").exitCode == 0)
    }
}

extension TinyTraining {
    /// A command as it is typed, without quotes.
    func crux(arguments: String) async throws -> CommandResult {
        try await CommandResult.crux(arguments.split(separator: " ").map(String.init), in: folder.path)
    }
}
