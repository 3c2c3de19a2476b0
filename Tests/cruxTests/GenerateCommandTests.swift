import Foundation
import TestSupport
import Testing

@Suite("Evaluating and generating from the command line")
struct GenerateCommandTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SampleCheckpoints.write(into: folder.path)
    }

    private func json(_ arguments: String...) async throws -> [String: Any] {
        let result = try await CommandResult.crux(arguments + ["--json"], in: folder.path)
        #expect(result.exitCode == 0, "\(result.standardError)")
        let members = try TinyTraining.json(result.standardOutput)
        #expect(members["schemaVersion"] as? Int == 1)
        return members
    }

    private func completions(_ members: [String: Any]) throws -> [[String: Any]] {
        try #require(members["completions"] as? [[String: Any]])
    }

    @Test("A text is continued: prompt and completion on standard output")
    func text() async throws {
        let result = try await CommandResult.crux(
            ["generate", "base.crux", "--prompt", "Input", "--max-tokens", "7", "--greedy"], in: folder.path)
        #expect(result.exitCode == 0)
        #expect(result.standardError == "")
        let item = try #require(
            try completions(
                await json("generate", "base.crux", "--prompt", "Input", "--max-tokens", "7", "--greedy")
            ).first)
        let text = try #require(item["text"] as? String)
        #expect((item["tokens"] as? [Int])?.count == 7)
        #expect((item["logProbs"] as? [Double])?.allSatisfy { $0 < 0 } == true)
        #expect(item["isFinished"] as? Bool == false)
        #expect(item["outcome"] == nil)
        let printed = "Input" + text
        #expect(result.standardOutput == printed + (printed.hasSuffix("\n") ? "" : "\n"))
    }

    @Test("Samples differ, repeat with their seed, and do not depend on the workers")
    func samples() async throws {
        func texts(_ extra: String...) async throws -> [String] {
            let members = try TinyTraining.json(
                try await CommandResult.crux(
                    ["generate", "base.crux", "--addition", "1+2", "--addition", "34+5", "--samples", "3", "--json"]
                        + extra, in: folder.path
                ).standardOutput)
            return try completions(members).map { try #require($0["text"] as? String) }
        }
        let first = try await texts("--workers", "1")
        #expect(Set(first).count == 6)
        #expect(try await texts("--workers", "3") == first)
        #expect(try await texts("--seed", "1") != first)
        let greedy = try await texts("--top-k", "1")
        #expect(Set(greedy[..<3]).count == 1)
    }

    @Test("An addition is judged")
    func addition() async throws {
        let item = try #require(
            try completions(
                await json("generate", "base.crux", "--addition", "128+367", "--max-tokens", "3")
            ).first)
        #expect(item["addition"] as? String == "128+367")
        #expect(item["expectedResult"] as? String == "4 9 5")
        #expect(item["outcome"] as? String == "unfinished")
        let text = try await CommandResult.crux(
            ["generate", "base.crux", "--addition", "128+367", "--max-tokens", "3"], in: folder.path)
        #expect(text.standardOutput.hasPrefix("128+367\nInput:\n128+367\nTarget:"))
        #expect(text.standardOutput.hasSuffix("\nunfinished after 3 tokens, expected 4 9 5\n"))
    }

    @Test("An evaluation asks what it was told to, and repeats")
    func evaluation() async throws {
        func results(_ workers: String) async throws -> [[String: Any]] {
            let members = try await json(
                "evaluate", "base.crux", "--digits", "1,2", "--setup", "balanced", "--setup", "fixed", "--examples",
                "7", "--temperature", "1", "--top-k", "5", "--seed", "4", "--workers", workers)
            #expect(members["topK"] as? Int == 5)
            #expect(members["seed"] as? Int == 4)
            let models = try #require(members["models"] as? [[String: Any]])
            return try #require(models.first?["results"] as? [[String: Any]])
        }
        let one = try await results("1")
        #expect(one.map { $0["setup"] as? String } == ["balanced", "balanced", "fixed", "fixed"])
        #expect(one.map { $0["digits"] as? Int } == [1, 2, 1, 2])
        for result in one {
            let accuracy = try #require(result["accuracy"] as? [String: Any])
            #expect(accuracy["exampleCount"] as? Int == 7)
            let share = try #require(result["unfinishedShare"] as? Double)
            #expect((0...1).contains(share))
        }
        let counts = try await results("3").map { $0["generatedTokenCount"] as? Int }
        #expect(counts == one.map { $0["generatedTokenCount"] as? Int })
    }
}
