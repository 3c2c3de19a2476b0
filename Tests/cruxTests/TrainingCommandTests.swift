import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite("Training from the command line")
struct TrainingCommandTests {
    let tiny: TinyTraining

    init() throws { tiny = try TinyTraining() }

    @Test("Pre-train, fine-tune, verify, diff, kl, convert, evaluate")
    func flow() async throws {
        let base = try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux")
        let policy = try await tiny.output("finetune", "base.crux", "--config", "fine.yml", "-o", "policy.crux")
        #expect(base.hasPrefix("base.crux  step 6  weights "))
        #expect(policy.hasPrefix("policy.crux  step 4  weights "))
        #expect(try tiny.steps("base.jsonl") == Array(1...6))
        #expect(try tiny.steps("policy.jsonl") == Array(1...4))
        try await tiny.output("verify", "base.crux", "policy.crux")
        #expect(try await tiny.crux("diff", "base.crux", "policy.crux").exitCode == 1)

        let kl = try TinyTraining.json(
            try await tiny.output("kl", "base.crux", "policy.crux", "--digits", "2", "--count", "3", "--json"))
        let measured = try #require((kl["policies"] as? [[String: Any]])?.first)
        #expect(
            (measured["policy"] as? [String: Any])?["weightsDigest"] as? String == (try TinyTraining.digest(policy)))
        try await tiny.output("convert", "policy.crux", "policy.safetensors")
        #expect(try await tiny.crux("diff", "policy.crux", "policy.safetensors").exitCode == 0)

        let evaluation = try TinyTraining.json(
            try await tiny.output("evaluate", "policy.crux", "policy.safetensors", "--examples", "5", "--json"))
        #expect(evaluation["schemaVersion"] as? Int == 1)
        let models = try #require(evaluation["models"] as? [[String: Any]])
        #expect(models.count == 2)
        for model in models {
            #expect(model["trainedDigits"] as? Int == 1)
            let results = try #require(model["results"] as? [[String: Any]])
            // The context of 256 holds three digits, not four.
            #expect(
                results.map { "\($0["setup"] ?? "") \($0["digits"] ?? "")" }
                    == ["varying 1", "varying 2", "varying 3", "fixed 1", "fixed 2", "fixed 3"])
        }
        #expect(try tiny.folder.entries().allSatisfy { !$0.contains(".tmp-") })
    }

    @Test("verify --replay trains the last steps again; a checkpoint that training does not give exits with 1")
    func replay() async throws {
        try await tiny.output("pretrain", "--config", "pre.yml", "--set", "steps=2", "-o", "half.crux")
        try tiny.folder.file("run.crux").writeBytes(try tiny.folder.file("half.crux").readBytes())
        try await tiny.output("pretrain", "--config", "pre.yml", "--set", "steps=4", "--resume", "-o", "run.crux")
        let text = try await tiny.output("verify", "--replay", "run.crux", "--no-progress")
        #expect(
            text.hasSuffix("       steps 3 to 4 trained again from half.crux: 27 tensors, every bit the same\n"),
            "\(text)")
        try await tiny.output("edit", "run.crux", "--set", "crux.tokens_seen=7", "--force")
        let changed = try await tiny.crux("verify", "--replay", "--from-start", "--json", "--no-progress", "run.crux")
        #expect(changed.exitCode == 1)
        let files = try #require(try TinyTraining.json(changed.standardOutput)["files"] as? [[String: Any]])
        let replay = try #require(files[0]["replay"] as? [String: Any])
        #expect(replay["differing"] as? [String] == ["crux.tokens_seen"])
        #expect(files[0]["status"] as? String == "invalid")
        let missing = try await tiny.crux("verify", "--replay", "--from", "none.crux", "run.crux")
        #expect(missing.exitCode == 2)
        #expect(missing.standardError == "error: none.crux: cannot open: No such file or directory\n")
        #expect(try await tiny.crux("verify", "--from-start", "run.crux").exitCode == 64)
    }

    @Test("A dry run says what a run takes, and writes nothing")
    func dryRun() async throws {
        let text = try await tiny.output("pretrain", "--config", "pre.yml", "--dry-run")
        for word in [
            "parameters: 1 blocks, width 16, 2 heads, context 256", "model: moments", "a token, ", " 6 steps in ",
        ] {
            #expect(text.contains(word), "\(text)")
        }
        #expect(try tiny.folder.entries() == ["fine.yml", "pre.yml"])
        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux")
        let before = try tiny.folder.entries()
        let json = try TinyTraining.json(
            try await tiny.output(
                "finetune", "base.crux", "--config", "fine.yml", "--dry-run", "--json", "-o", "p.crux"))
        #expect(try tiny.folder.entries() == before)
        #expect(json["schemaVersion"] as? Int == 1)
        #expect(json["criticParameterCount"] as? Int == 16 * 8 + 8 + 8 + 1)
        #expect(((json["steps"] as? [String: Any])?["seconds"] as? Double ?? 0) > 0)
        let parts = try #require((json["memory"] as? [String: Any])?["parts"] as? [[String: Any]])
        #expect(parts.contains { $0["name"] as? String == "reference" })
        // What a run would refuse, a dry run refuses.
        #expect(try await tiny.crux("pretrain", "--config", "pre.yml", "--dry-run", "-o", "base.crux").exitCode == 2)
        #expect(try await tiny.crux("pretrain", "--config", "pre.yml", "--json", "-o", "x.crux").exitCode == 64)
        #expect(try await tiny.crux("pretrain", "--config", "pre.yml").exitCode == 64)
    }

    @Test("A run that breaks exits with 2, names the tensor, and leaves the last good checkpoint")
    func divergence() async throws {
        let result = try await tiny.crux(
            "pretrain", "--config", "pre.yml", "--set", "optimizer.learning_rate=10", "--set",
            "optimizer.gradient_clip=0", "--set", "optimizer.weight_decay=100", "--set", "optimizer.epsilon=1e-30",
            "--set",
            "steps=500", "--set", "optimizer.schedule=constant", "-o", "run.crux", "--no-progress")
        #expect(result.exitCode == 2)
        #expect(
            result.standardError.contains(
                #/^error: step \d+: the .*(h\.0|wte|wpe|ln_f).* is infinite or not a number/#),
            "\(result.standardError)")
        try await tiny.output("verify", "--finite", "run.crux")
    }

    @Test("A report joins curves, weights and behaviour of a run, with the critic's values")
    func report() async throws {
        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux")
        try await tiny.output(
            "finetune", "base.crux", "--config", "fine.yml", "--set", "steps=2", "-o", "policy.crux")
        try FileManager.default.copyItem(
            atPath: tiny.folder.file("policy.crux").string, toPath: tiny.folder.file("early.crux").string)
        try await tiny.output("finetune", "base.crux", "--resume", "--set", "steps=4", "-o", "policy.crux")
        let report = try TinyTraining.json(try await tiny.output("report", ".", "--count", "2", "--json"))
        #expect((report["reference"] as? [String: Any])?["path"] as? String == "./base.crux")
        let diffs = try #require(report["diffs"] as? [[String: Any]])
        #expect(
            diffs.map { ($0["policy"] as? [String: Any])?["path"] as? String } == ["./early.crux", "./policy.crux"])
        // Two checkpoints of one run: its longest history stands for both.
        let curves = try #require(report["curves"] as? [[String: Any]])
        #expect(curves.count == 1)
        let history = (curves[0]["history"] as? [String: Any])?["records"] as? [[String: Any]]
        #expect(history?.compactMap { $0["step"] as? Int } == [1, 2, 3, 4])
        #expect(report["gaps"] as? [String] == [])

        let kl = try #require(report["kl"] as? [String: Any])
        // What the run practised: a digit more than pre-training showed.
        #expect((kl["text"] as? [String: Any])?["name"] as? String == "addition, varying, up to 2 digits")
        let policies = try #require(kl["policies"] as? [[String: Any]])
        for sequence in policies.flatMap({ $0["sequences"] as? [[String: Any]] ?? [] }) {
            let reward: Double = sequence["outcome"] as? String == "correct" ? 1 : -1
            let tokens = try #require(sequence["tokens"] as? [[String: Any]])
            let values = tokens.compactMap { $0["stateValue"] as? Double }
            #expect(values.count == tokens.count)
            #expect(Set(values).count > 1)
            let advantages = tokens.compactMap { $0["advantage"] as? Double }
            #expect(zip(advantages, values).allSatisfy { abs($0 - (reward - $1)) < 1e-12 })
        }
        let page = String(decoding: try tiny.folder.file("report.html").readBytes(), as: UTF8.self)
        for text in ["Learning curves", "The critic&#39;s mean value", "advantage R − V(s)", "Where the weights moved"]
        {
            #expect(page.contains(text) || page.contains(text.replacing("&#39;", with: "'")), "\(text)")
        }
    }

    @Test("A policy can be fine-tuned further")
    func chain() async throws {
        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux")
        try await tiny.output("finetune", "base.crux", "--config", "fine.yml", "-o", "first.crux")
        try await tiny.output("finetune", "first.crux", "--config", "fine.yml", "-o", "second.crux")
    }

    @Test("Settings: the file's, then --set, then the options of their own")
    func settings() async throws {
        let one = try await tiny.output(
            "pretrain", "--config", "pre.yml", "--set", "seed=9", "--seed", "3", "--workers", "2", "-o", "one.crux")
        let two = try await tiny.output("pretrain", "--config", "pre.yml", "--set", "seed=3", "-o", "two.crux")
        #expect(try TinyTraining.digest(one) == TinyTraining.digest(two))
    }

    @Test(
        "Interrupted once, a run saves, ends by the signal and resumes to the same weights",
        arguments: [("INT", 130), ("TERM", 143), ("HUP", 129)])
    func interruption(signal: String, exitCode: Int) async throws {
        let whole = try await tiny.output("pretrain", "--config", "pre.yml", "--set", "steps=300", "-o", "whole.crux")
        let stopped = try await tiny.shell(
            """
            # A shell lets what it starts in the background ignore SIGINT.
            env --default-signal=INT "$CRUX" pretrain --config pre.yml --set steps=300 -o part.crux &
            while [ "$(cat part.jsonl 2>/dev/null | wc -l)" -lt 5 ]; do sleep 0.01; done
            kill -\(signal) $!
            wait $!
            """)
        #expect(stopped.exitCode == exitCode, "\(stopped.standardError)")
        #expect(stopped.standardError.contains("interrupted: saved at step "))
        let saved = try tiny.steps("part.jsonl")
        #expect((5..<300).contains(saved.count))
        let resumed = try await tiny.output("pretrain", "--resume", "-o", "part.crux")
        #expect(try TinyTraining.digest(resumed) == TinyTraining.digest(whole))
        #expect(try tiny.steps("part.jsonl") == Array(1...300))
    }

    @Test("Killed at any moment, a run resumes from its last save to the same weights")
    func killed() async throws {
        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux")
        let settings = ["--config", "fine.yml", "--set", "steps=60"]
        let whole = try await tiny.output(
            "finetune", "base.crux", "--config", "fine.yml", "--set", "steps=60", "-o", "whole.crux")
        let stopped = try await tiny.shell(
            """
            "$CRUX" finetune base.crux \(settings.joined(separator: " ")) -o part.crux &
            while [ "$(cat part.jsonl 2>/dev/null | wc -l)" -lt 9 ]; do sleep 0.01; done
            kill -KILL $!
            wait $!
            """)
        #expect(stopped.exitCode == 137)
        try await tiny.output("verify", "part.crux")
        let resumed = try await tiny.output("finetune", "base.crux", "--resume", "-o", "part.crux")
        #expect(try TinyTraining.digest(resumed) == TinyTraining.digest(whole))
        #expect(try tiny.steps("part.jsonl") == Array(1...60))
    }

    @Test("A full disk is an error; what was there stays, and nothing half-done is left")
    func fileSizeLimit() async throws {
        let limited = "ulimit -f 8; "
        let fresh = try await tiny.shell(limited + #""$CRUX" pretrain --config pre.yml -o base.crux"#)
        #expect(fresh.exitCode == 2)
        #expect(fresh.standardError == "error: base.crux: cannot write: File too large\n")
        #expect(try tiny.folder.entries() == ["base.jsonl", "fine.yml", "pre.yml"])

        try await tiny.output("pretrain", "--config", "pre.yml", "-o", "base.crux", "--force")
        let before = try tiny.folder.file("base.crux").readBytes()
        for command in [
            "pretrain --config pre.yml --seed 5 -o base.crux --force", "finetune base.crux --config fine.yml -o p.crux",
            "convert base.crux base.safetensors", "convert base.crux again.crux --codec raw",
        ] {
            let result = try await tiny.shell(limited + #""$CRUX" "# + command)
            #expect(result.exitCode == 2, "\(command)")
            #expect(result.standardError.hasSuffix(": cannot write: File too large\n"), "\(result.standardError)")
        }
        #expect(try tiny.folder.file("base.crux").readBytes() == before)
        #expect(try tiny.folder.entries() == ["base.crux", "base.jsonl", "fine.yml", "p.jsonl", "pre.yml"])
    }
}
