import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite("Experiments from the command line")
struct ExperimentCommandTests {
    let tiny: TinyTraining

    init() throws { tiny = try TinyTraining() }

    private static let penalty = [
        "experiment", "kl-penalty", "--reference", "base.crux", "--config", "fine.yml", "--certainty", "negentropy",
        "--seeds", "2", "--examples", "3", "--out", "lab",
    ]

    @Test("List, run, list again, report")
    func flow() async throws {
        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux")
        let before = try await tiny.crux(Self.penalty + ["--dry-run"])
        #expect(before.exitCode == 0)
        #expect(before.standardOutput.contains("negentropy-beta150-seed2"))
        #expect(before.standardOutput.hasSuffix("5 runs, 5 to do\n"))
        #expect(!FileManager.default.fileExists(atPath: tiny.folder.file("lab").string))

        let run = try await tiny.crux(Self.penalty + ["--json"])
        #expect(run.exitCode == 0, "\(run.standardError)")
        let result = try TinyTraining.json(run.standardOutput)
        #expect(result["schemaVersion"] as? Int == 1)
        #expect(
            (result["groups"] as? [[String: Any]])?.map { $0["name"] as? String } == ["standard", "negentropy-beta150"])
        #expect((result["comparisons"] as? [[String: Any]])?.isEmpty == false)
        #expect(run.standardError.contains("finished, 5 of 5 runs"))
        for name in ["report.html", "report.json", "runs.csv", "curves.csv"] {
            #expect(FileManager.default.fileExists(atPath: tiny.folder.file("lab/\(name)").string), "\(name)")
        }
        #expect(try await tiny.crux(["verify", "lab/runs/standard-seed1/checkpoint.crux"]).exitCode == 0)

        let after = try await tiny.crux(Self.penalty + ["--dry-run"])
        #expect(after.standardOutput.hasSuffix("5 runs, 0 to do\n"))
        // The report alone needs no reference's training, and says the same.
        let report = try await tiny.crux(Self.penalty + ["--report", "--json"])
        #expect(report.standardOutput == run.standardOutput)
    }

    @Test("A killed experiment goes on, and ends as one that was not")
    func killed() async throws {
        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux")
        let settings = ["--set", "steps=40", "--set", "checkpoint.every_steps=2", "--set", "evaluation.examples=0"]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandResult.builtExecutable("crux").string)
        process.arguments = Self.penalty + settings
        process.currentDirectoryURL = URL(fileURLWithPath: tiny.folder.path.string)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let checkpoint = tiny.folder.file("lab/runs/standard-seed1/checkpoint.crux").string
        for _ in 0..<3000 where process.isRunning && !FileManager.default.fileExists(atPath: checkpoint) {
            try await Task.sleep(for: .milliseconds(10))
        }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let resumed = try await tiny.crux(Self.penalty + settings)
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        let whole = try await tiny.crux(Self.penalty.dropLast() + ["whole"] + settings)
        #expect(whole.exitCode == 0, "\(whole.standardError)")
        for run in ["standard-seed1", "standard-seed2", "negentropy-beta150-seed1", "negentropy-beta150-seed2"] {
            let difference = try await tiny.crux([
                "diff", "lab/runs/\(run)/checkpoint.crux", "whole/runs/\(run)/checkpoint.crux", "--weights-only",
            ])
            #expect(difference.exitCode == 0, "\(run): \(difference.standardOutput)")
        }
    }

    @Test("Pre-training and levels, from a model that is given")
    func given() async throws {
        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux")
        let pretraining = try await tiny.output(
            "experiment", "pretraining", "--pretraining", "pre.yml", "--model", "base.crux", "--digits", "1,2",
            "--examples", "3", "--out", "pre")
        #expect(pretraining.contains("N = 1") && pretraining.contains("N = 2"))
        let csv = String(
            decoding: try tiny.folder.file("pre/runs.csv").readBytes(), as: UTF8.self)
        #expect(csv.contains("\"accuracy, fixed, 5+5 digits\""))
        let levels = try await tiny.output(
            "experiment", "levels", "--pretraining", "pre.yml", "--model", "base.crux", "--digits", "1", "--config",
            "fine.yml", "--additional", "1,2", "--seeds", "1", "--examples", "3", "--out", "levels")
        #expect(levels.contains("N = 1, N+2"))
    }

    @Test("Critical tokens")
    func criticalTokens() async throws {
        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux")
        let arguments = [
            "experiment", "critical-tokens", "--model", "base.crux", "--generations", "3", "--problems", "1",
            "--tokens",
            "3", "--rollouts", "2", "--out", "critical",
        ]
        let first = try await tiny.crux(arguments)
        #expect(first.exitCode == 0, "\(first.standardError)")
        #expect(first.standardOutput.contains("found by low certainty alone"))
        #expect(try await tiny.crux(arguments).standardOutput == first.standardOutput)
        for name in ["report.html", "report.json", "certainties.csv", "forced.csv", "forced/problem-1.json"] {
            #expect(FileManager.default.fileExists(atPath: tiny.folder.file("critical/\(name)").string), "\(name)")
        }
    }

    @Test("What cannot be run is said before anything is")
    func refusals() async throws {
        let beta = try await tiny.crux(["experiment", "kl-penalty", "--out", "lab", "--beta", "10,x"])
        #expect(beta.exitCode == 64)
        #expect(beta.standardError.contains("--beta: found 'x'"))
        let missing = try await tiny.crux([
            "experiment", "kl-penalty", "--reference", "missing.crux", "--config", "fine.yml", "--out", "lab",
        ])
        #expect(missing.exitCode == 2)
        #expect(missing.standardError.contains("missing.crux"))
        #expect(!FileManager.default.fileExists(atPath: tiny.folder.file("lab").string))
    }
}
