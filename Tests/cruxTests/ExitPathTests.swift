import Foundation
import SystemPackage
import TestSupport
import Testing

/// A command that writes, in a folder with the sample checkpoints, a signing key `k` and a delta `small.crux`.
struct WritingCommand: CustomTestStringConvertible, Sendable {
    let command: String
    /// What it writes, apart from what the folder holds.
    let output: String?
    /// Its exit code where nothing ends it.
    var exitCode = 0

    var testDescription: String { command }

    static let all: [WritingCommand] = [
        WritingCommand(command: "convert base.crux new.crux", output: "new.crux"),
        WritingCommand(command: "convert base.crux copy.crux", output: nil),
        WritingCommand(command: "convert base.crux new.safetensors", output: "new.safetensors"),
        WritingCommand(command: "convert base.crux new.gguf", output: "new.gguf"),
        WritingCommand(command: "convert policy.crux new.crux --base base.crux", output: "new.crux"),
        WritingCommand(command: "convert base.crux new --for transformers", output: "new"),
        WritingCommand(command: "convert base.crux new --to safetensors --shard-size 20KB", output: "new"),
        WritingCommand(command: "flatten small.crux new.crux", output: "new.crux"),
        WritingCommand(command: "edit base.crux --set note=new", output: nil),
        WritingCommand(command: "repair damaged.crux new.crux", output: "new.crux"),
        WritingCommand(command: "sign base.crux --key k", output: "base.crux.sig"),
        WritingCommand(command: "sign base.crux --key k --embed", output: nil),
        WritingCommand(command: "manifest pinned --out new.lock", output: "new.lock"),
        WritingCommand(command: "verify base.crux --junit new.xml", output: "new.xml"),
        WritingCommand(command: "verify base.crux --sarif new.sarif", output: "new.sarif"),
        WritingCommand(command: "diff base.crux policy.crux --html new.html", output: "new.html", exitCode: 1),
        WritingCommand(command: "kl base.crux policy.crux --text text.txt --html new.html", output: "new.html"),
        WritingCommand(command: "bench format base.crux --rounds 1", output: nil),
    ]
}

/// Signals reach the commands at a chosen moment with strace, the moment at which all is written and nothing has its
/// name yet. `make crashes` sends them at every other one.
@Suite("A command that is told to end leaves nothing half-done")
struct ExitPathTests {
    static let strace = FilePath("/usr/bin/strace")
    static var hasStrace: Bool { FileManager.default.isExecutableFile(atPath: strace.string) }

    /// A signal's number and how `strace` calls it.
    static let signals: [(name: String, number: Int)] = [("INT", 2), ("TERM", 15), ("HUP", 1)]

    private func prepared() async throws -> TinyTraining {
        let tiny = try TinyTraining()
        try SampleCheckpoints.write(into: tiny.folder.path)
        try await tiny.output("keygen", "k")
        try FileManager.default.createDirectory(
            atPath: tiny.folder.file("pinned").string, withIntermediateDirectories: false)
        try tiny.folder.file("pinned").appending("base.crux").writeBytes(try tiny.folder.file("base.crux").readBytes())
        try await tiny.output("convert", "policy.crux", "small.crux", "--base", "base.crux")
        return tiny
    }

    private func content(_ folder: TemporaryFolder) throws -> [String: [UInt8]?] {
        var content: [String: [UInt8]?] = [:]
        for name in try folder.entries() { content[name] = try? folder.file(name).readBytes() }
        return content
    }

    @Test("Each command, each signal, when its file is about to get its name", .enabled(if: hasStrace))
    func signals() async throws {
        let tiny = try await prepared()
        let before = try content(tiny.folder)
        var ends = 0
        for command in WritingCommand.all {
            for (name, number) in Self.signals {
                let result = try await tiny.shell(
                    #"strace -f -qq -o trace -e trace=fsync -e inject=fsync:signal=SIG\#(name):when=1 "$CRUX" \#(command.command)"#
                )
                // A command that is as good as done when the signal comes may be quicker.
                #expect(
                    [command.exitCode, 128 + number].contains(result.exitCode),
                    "\(command) \(name): \(result.standardError)")
                ends += result.exitCode == command.exitCode ? 0 : 1
                #expect(!result.standardError.contains("error"), "\(command) \(name): \(result.standardError)")
                try FileManager.default.removeItem(atPath: tiny.folder.file("trace").string)
                let after = try content(tiny.folder)
                // The rename and the signal race: the file is there as a whole, or not at all.
                #expect(
                    Set(after.keys).subtracting([command.output ?? ""]) == Set(before.keys),
                    "\(command) \(name): \(after.keys.sorted())")
                for (entry, bytes) in before where after[entry] != bytes {
                    let verified = try await tiny.crux("verify", entry)
                    #expect(verified.exitCode == 0, "\(command) \(name): \(entry)")
                    try tiny.folder.file(entry).writeBytes(bytes ?? [])
                }
                if let output = command.output {
                    try? FileManager.default.removeItem(atPath: tiny.folder.file(output).string)
                }
            }
        }
        #expect(ends > WritingCommand.all.count * Self.signals.count / 2)
    }

    @Test("A signal that the parent ignores is ignored: nohup works", .enabled(if: hasStrace))
    func ignored() async throws {
        let tiny = try await prepared()
        let result = try await tiny.shell(
            #"trap "" HUP; strace -f -qq -o trace -e trace=fsync -e inject=fsync:signal=SIGHUP:when=1 "$CRUX" convert base.crux new.crux"#
        )
        #expect(result.exitCode == 0)
        #expect(try await tiny.crux("verify", "new.crux").exitCode == 0)
    }

    @Test("A reader that goes away ends a command by SIGPIPE, without words and without remains")
    func brokenPipe() async throws {
        let tiny = try await prepared()
        // A pipe that nobody reads from the start; bash tells the status of each part.
        let result = try await tiny.shell(
            """
            exec bash -c 'for command in "inspect base.crux" "inspect base.crux --json" "verify base.crux" \
            "diff base.crux policy.crux" "convert base.crux new.crux" "manifest pinned" "--help"; do
                { sleep 0.2; $CRUX $command; echo "$command: $?" >&2; } | true
            done'
            """)
        let lines = result.standardError.split(separator: "\n").map(String.init)
        #expect(lines.filter { $0.hasSuffix(": 141") }.count == 6, "\(result.standardError)")
        // What had been written before the reader was missed is whole.
        #expect(try await tiny.crux("verify", "new.crux").exitCode == 0)
        #expect(try tiny.folder.entries().allSatisfy { !$0.hasPrefix(".") })
    }

    @Test("Nobody reads standard error: the work is done all the same")
    func closedStandardError() async throws {
        let tiny = try await prepared()
        let result = try await tiny.shell(
            #"bash -c '{ "$CRUX" pretrain --config pre.yml -o run.crux 3>&1 >&2 2>&3; echo $? > status; } | true'"#)
        #expect(result.exitCode == 0)
        #expect(String(decoding: try tiny.folder.file("status").readBytes(), as: UTF8.self) == "0\n")
        #expect(try await tiny.crux("verify", "run.crux").exitCode == 0)
    }

    @Test("A training that is told to end saves within its step, once; the second signal ends it at once")
    func training() async throws {
        let tiny = try TinyTraining()
        // One step of this run takes seconds: the second signal must not wait for it.
        let result = try await tiny.shell(
            """
            "$CRUX" pretrain --config pre.yml --set steps=50 --set data.examples_per_step=20000 -o run.crux &
            sleep 0.7
            kill -TERM $!
            sleep 0.2
            kill -TERM $!
            wait $!
            """)
        #expect(result.exitCode == 143, "\(result.standardError)")
        // A slow machine has not even begun its metrics by then.
        #expect(try tiny.folder.entries().filter { $0 != "run.jsonl" } == ["fine.yml", "pre.yml"])
    }
}
