import Analysis
import CheckpointFormat
import CheckpointInterop
import Foundation
import Kernels
import LanguageModel
import SystemPackage
import Tasks
import TestSupport
import Testing

@Suite struct KLReportTests {
    private let folder: TemporaryFolder
    private let pool = WorkerPool(workerCount: 2)

    init() throws { folder = try TemporaryFolder() }

    /// Policy (3/4, 1/4), reference (9/10, 1/10) over the characters a and b.
    private func pair() throws -> (policy: LoadedModel, reference: LoadedModel) {
        (
            try SampleModel(vocabulary: "ab", logits: [log(3), 0]).loaded(folder.file("policy.crux")),
            try SampleModel(vocabulary: "ab", logits: [log(9), 0]).loaded(folder.file("reference.crux"))
        )
    }

    private func near(_ found: Double, _ expected: Double) -> Bool { abs(found - expected) < 2e-7 }

    private func measure(
        _ policy: LoadedModel, _ reference: LoadedModel, _ input: KLInput, source: TextSource = .truth,
        options: KLMeasurement.Options = .init(), workers: Int = 2
    ) throws -> KLReport {
        let measurement = try KLMeasurement(
            reference: reference, input: input, source: source, options: options,
            pool: WorkerPool(workerCount: workers))
        return measurement.report([try measurement.measure(policy)])
    }

    @Test func holdsLimitsAgainstEachPolicy() throws {
        let (policy, reference) = try pair()
        let report = try measure(policy, reference, .text("aab", name: "text"))
        let checks = try report.check([
            Limit("kl.mean>0.01"), Limit("kl.mean>1"), Limit("kl.mean:tokens=digit>1"), Limit("tokens<2"),
        ])
        #expect(checks.map(\.isBroken) == [true, false, true, false])
        #expect(checks[0].subject == policy.identity.path)
        #expect(checks[0].value == report.policies[0].summary.exactKLPolicyReference.mean)
        // A text of letters alone has no digits: what cannot be measured is not within a limit.
        #expect(checks[2].gap?.contains("no such figure") == true)
        let pattern = try report.check([Limit("kl.mean:wte*>1")])
        #expect(pattern[0].gap == "nothing matches 'wte*'")
        let error = #expect(throws: LimitError.self) { try report.check([Limit("kl.p98>1")]) }
        #expect(error?.expected.contains("kl.*, reverse_kl.*") == true)
    }

    @Test func computesEveryFigureOfAToken() throws {
        let (policy, reference) = try pair()
        let report = try measure(policy, reference, .text("aab", name: "text"), options: .init(beta: 2))
        let divergence = report.policies[0]
        #expect(divergence.sequences.count == 1)
        #expect(divergence.sequences[0].prompt == "a")
        let tokens = divergence.sequences[0].tokens
        #expect(tokens.map(\.text) == ["a", "b"])
        #expect(tokens.map(\.position) == [1, 2])
        let forward = 0.75 * log(0.75 / 0.9) + 0.25 * log(0.25 / 0.1)
        let backward = 0.9 * log(0.9 / 0.75) + 0.1 * log(0.1 / 0.25)
        let (policyEntropy, referenceEntropy) = (
            -0.75 * log(0.75) - 0.25 * log(0.25), -0.9 * log(0.9) - 0.1 * log(0.1)
        )
        // m = (0.825, 0.175)
        let symmetric =
            0.5
            * (0.75 * log(0.75 / 0.825) + 0.25 * log(0.25 / 0.175) + 0.9 * log(0.9 / 0.825) + 0.1 * log(0.1 / 0.175))
        let negentropy = 1 - referenceEntropy / log(2)
        let quarter = 9.0.squareRoot().squareRoot()  // e^(ln 9 / 4)
        let maximum = 1 + log(quarter / (1 + quarter)) / log(2)
        for token in tokens {
            #expect(near(token.exactKLPolicyReference, forward))
            #expect(near(token.exactKLReferencePolicy, backward))
            #expect(near(token.jensenShannon, symmetric))
            #expect(near(token.policyEntropy, policyEntropy))
            #expect(near(token.referenceEntropy, referenceEntropy))
            #expect(near(token.certainty.negentropy, negentropy))
            #expect(near(token.certainty.maximumProbability, maximum))
            #expect(near(token.penaltyWeight.negentropy, negentropy * negentropy))
            #expect(near(token.penaltyWeight.maximumProbability, maximum * maximum))
            #expect(token.policyTop == "a" && token.referenceTop == "a" && token.topAgrees)
            #expect(token.critical == nil && token.place == nil)
        }
        // k1 = ln π − ln π_old, k2 = ½ k1², k3 = e^(−k1) − 1 + k1.
        for (token, ratio) in [(tokens[0], 0.75 / 0.9), (tokens[1], 0.25 / 0.1)] {
            #expect(near(token.policyLogProb - token.referenceLogProb, log(ratio)))
            #expect(near(token.k1Estimate, log(ratio)))
            #expect(near(token.k2Estimate, 0.5 * log(ratio) * log(ratio)))
            #expect(near(token.k3Estimate, 1 / ratio - 1 + log(ratio)))
        }
        #expect(near(tokens[1].policyLogProb, log(0.25)))
        #expect(near(tokens[0].probabilityChange, -0.15) && near(tokens[1].probabilityChange, 0.15))
        #expect(tokens.map(\.policyRank) == [1, 2] && tokens.map(\.rankChange) == [0, 0])
        let summary = divergence.summary
        #expect(summary.tokenCount == 2)
        #expect(near(summary.exactKLPolicyReference.mean, forward))
        #expect(near(summary.exactKLReferencePolicy.maximum, backward))
        #expect(near(summary.k1Estimate.mean, (log(0.75 / 0.9) + log(2.5)) / 2))
        #expect(summary.topAgreement.mean == 1 && summary.topAgreement.standardError == 0)
        #expect(near(summary.probabilityChangeRMS.mean, 0.15))
        // −ln p of both tokens.
        #expect(near(summary.perplexity.policy.mean, exp(-(log(0.75) + log(0.25)) / 2)))
        #expect(near(summary.perplexity.reference.mean, exp(-(log(0.9) + log(0.1)) / 2)))
        #expect(near(summary.perplexity.logRatio.mean, (log(0.9 / 0.75) + log(0.1 / 0.25)) / 2))
        let difference = log(0.9 / 0.75) - log(0.1 / 0.25)
        #expect(near(summary.perplexity.logRatio.standardError ?? .nan, abs(difference) / 2))
        #expect(near(summary.perplexity.correlation ?? .nan, 1))
        #expect(divergence.klStandardErrorBySequence == nil)
        #expect(report.vocabularySize == 2)
        #expect(report.text.kind == .text && report.text.source == .truth)
        #expect(report.beta == 2)
        let figures = Dictionary(
            uniqueKeysWithValues: divergence.figures.filter { $0.selector == nil }.map { ($0.name, $0.value) })
        #expect(figures["kl.mean"] == summary.exactKLPolicyReference.mean)
        #expect(figures["kl.p99"] == summary.exactKLPolicyReference.p99)
        let known = Set(KLReport.limitFigures.map(\.name))
        #expect(Set(figures.keys).subtracting(known).isEmpty)
        #expect(known.subtracting(figures.keys).isSubset(of: ["success.rate", "kl.share", "perplexity.correlation"]))
        #expect(figures["reverse_kl.p99.9"] == summary.exactKLReferencePolicy.p99_9)
        #expect(figures["perplexity.ratio"] == summary.perplexity.ratio.mean)
    }

    @Test func theTemperatureAppliesToBoth() throws {
        let (policy, reference) = try pair()
        let report = try measure(policy, reference, .text("ab", name: "text"), options: .init(temperature: 2))
        let (p, q) = (3.0.squareRoot() / (1 + 3.0.squareRoot()), 0.75)
        let mean = report.policies[0].summary.exactKLPolicyReference.mean
        #expect(near(mean, p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))))
        #expect(report.temperature == 2)
        for temperature: Float in [0, -1, .nan, .infinity] {
            #expect(throws: AnalysisError.self) {
                try measure(policy, reference, .text("ab", name: "text"), options: .init(temperature: temperature))
            }
        }
    }

    @Test(arguments: [2, 7, 8, 9, 12, 13, 40, 41])
    func windowsScoreEachTokenOnce(length: Int) throws {
        let (policy, reference) = try pair()
        let text = String((0..<length).map { $0 % 3 == 0 ? "a" : "b" })
        let report = try measure(policy, reference, .text(text, name: "t"))
        let divergence = report.policies[0]
        #expect(divergence.sequences.flatMap(\.tokens).map(\.text).joined() == String(text.dropFirst()))
        #expect(divergence.summary.tokenCount == length - 1)
        #expect(report.text.sequenceCount == divergence.sequences.count)
        // Half a context (8 / 2) before every token but those of the first window.
        for sequence in divergence.sequences.dropFirst() { #expect(sequence.prompt.count >= 4) }
        #expect(divergence.sequences.count == (length <= 8 ? 1 : 1 + (length - 8 + 3) / 4))
        #expect(divergence.positions.reduce(0) { $0 + $1.tokenCount } == length - 1)
    }

    @Test func listsTheMostShiftedTokensWithTheirContext() throws {
        let tokenizer = try CharacterTokenizer(vocabulary: ["a", "b", "c", "d"])
        let policy = try SampleModel(tokenizer: tokenizer, text: "bcdabcd", from: 1, contextLength: 8, sharpness: 1)
            .loaded(folder.file("p"))
        let reference = try SampleModel(tokenizer: tokenizer, text: "bcdaacd", from: 1, contextLength: 8, sharpness: 1)
            .loaded(folder.file("r"))
        let divergence = try measure(
            policy, reference, .text("abcdabcd", name: "t"),
            options: .init(shiftedTokenCount: 2, shiftedContextLength: 2, keepsTokens: false)
        ).policies[0]
        #expect(divergence.sequences.isEmpty)
        #expect(divergence.mostShifted.count == 2)
        let first = try #require(divergence.mostShifted.first)
        #expect(first.token.position == 5)
        #expect([first.left, first.token.text, first.right] == ["da", "b", "cd"])
        #expect(first.token.policyTop == "b" && first.token.referenceTop == "a" && !first.token.topAgrees)
        #expect(first.token.policyRank == 1 && first.token.rankChange > 0)
        #expect(divergence.summary.topAgreement.mean == 6.0 / 7)
        #expect(divergence.summary.exactKLPolicyReference.maximum == first.token.exactKLPolicyReference)
        // Where both agree they are the same model.
        #expect(divergence.summary.exactKLPolicyReference.median == 0)
    }

    @Test func labelsCriticalTokensOfTheTask() throws {
        let task = AdditionTask(vocabulary: .task)
        let setup = AdditionSetup.fixed(digits: 2)
        let problem = try #require(
            setup.problems(count: 1, key: RandomStream.Key(seed: 5, purpose: .analysisPrompts)).first)
        let start = task.prompt(of: problem).count
        // The policy knows the answer; the reference is the same model, less sure.
        let policy = try SampleModel(
            tokenizer: task.tokenizer, text: problem.answer, from: start, contextLength: 256, sharpness: 1
        ).loaded(folder.file("p"))
        let reference = try SampleModel(
            tokenizer: task.tokenizer, text: problem.answer, from: start, contextLength: 256, sharpness: 0.5
        ).loaded(folder.file("r"))
        let input = KLInput.additions(.init(setup: setup, count: 1, trainedDigits: 1))
        let report = try measure(policy, reference, input, source: .policyGreedy, options: .init(seed: 5))
        let divergence = report.policies[0]
        let sequence = try #require(divergence.sequences.first)
        #expect(sequence.outcome == "correct")
        #expect(divergence.answers?.total == 1 && divergence.answers?.correct == 1)
        #expect(sequence.prompt == problem.prompt)
        #expect(sequence.tokens.map(\.text).joined() == problem.answer)
        let expected = task.criticalTokens(ofAnswerTo: problem, trainedDigits: 1)
        #expect(!expected.isEmpty)
        let found = sequence.tokens.filter { $0.critical != nil }
        #expect(found.compactMap(\.critical?.name) == expected.map(\.critical.name))
        #expect(found.map(\.position) == expected.map { start + $0.critical.position })
        #expect(found.allSatisfy { $0.critical?.rightText == $0.text })
        #expect(found.allSatisfy { $0.critical?.policyLogProb == $0.policyLogProb })
        #expect(divergence.summary(of: "critical")?.tokenCount == expected.count)
        #expect(divergence.summary(of: "not critical")?.tokenCount == sequence.tokens.count - expected.count)
        // Each group of classes has every token that it applies to, once.
        for group in [TokenClassSummary.Group.criticality, .character, .part] {
            let members = divergence.classes.filter { $0.group == group }
            #expect(members.reduce(0) { $0 + $1.summary.tokenCount } == sequence.tokens.count)
            #expect(abs(members.reduce(0) { $0 + $1.klShare } - 1) < 1e-12)
        }
        #expect(divergence.classes.filter { $0.group == .step }.map(\.name) == ["step 1", "step 2", "step 3"])
        #expect(divergence.summary.exactKLPolicyReference.mean > 0)
        #expect(report.temperature == 1)
        #expect(report.text.name == "addition, fixed, 2+2 digits")
        // The same text, read by both.
        let read = try measure(policy, reference, input, source: .truth, options: .init(seed: 5))
        #expect(read.policies[0].sequences == divergence.sequences)
    }

    @Test func samplingDependsOnTheSeedAloneNotOnTheWorkers() throws {
        let tokenizer = AdditionVocabulary.task.tokenizer
        func model(_ name: String, _ shift: Float) throws -> LoadedModel {
            try SampleModel(
                vocabulary: tokenizer.vocabulary.joined(),
                logits: (0..<tokenizer.vocabulary.count).map { Float($0 % 7) * shift }, contextLength: 64
            ).loaded(folder.file(name))
        }
        let (policy, reference) = (try model("p", 0.3), try model("r", 0.2))
        func report(_ seed: UInt64, _ workers: Int, _ source: TextSource = .policySamples) throws -> KLReport {
            try measure(
                policy, reference, .additions(.init(setup: .varying(digits: 3), count: 5, trainedDigits: 2)),
                source: source, options: .init(temperature: 2, seed: seed), workers: workers)
        }
        let one = try report(1, 1)
        #expect(one == (try report(1, 3)))
        let tokens = one.policies[0].sequences.map(\.tokens)
        #expect(tokens != (try report(2, 1).policies[0].sequences.map(\.tokens)))
        // The reference draws from other distributions with the same random numbers.
        #expect(
            tokens.map { $0.map(\.text) }
                != (try report(1, 1, .referenceSamples).policies[0].sequences.map { $0.tokens.map(\.text) }))
        #expect(one.temperature == 2)
        #expect(one.policies[0].sequences.count == 5)
        #expect(one.policies[0].klStandardErrorBySequence != nil)
        #expect(one.policies[0].sequences.allSatisfy { $0.outcome == "unfinished" })
        #expect(one.policies[0].sequences.allSatisfy { $0.prompt.count + $0.tokens.count <= 64 })
    }

    @Test func promptsAreContinuedOrReadWithTheirCompletions() throws {
        let (policy, reference) = try pair()
        let file = try PromptFile(
            #"""
            {"prompt": "ab", "completion": "ba"}

            {"prompt": "b", "completion": "a", "id": 7}
            """#, name: "p.jsonl")
        #expect(file.prompts.map(\.line) == [1, 3])
        let input = KLInput.prompts(file, continuation: .init(maximumTokenCount: 3, stopText: "b"))
        let read = try measure(policy, reference, input).policies[0]
        #expect(read.sequences.map(\.prompt) == ["ab", "b"])
        #expect(read.sequences.map { $0.tokens.map(\.text).joined() } == ["ba", "a"])
        // Both models prefer a.
        let written = try measure(policy, reference, input, source: .policyGreedy).policies[0]
        #expect(written.sequences.map { $0.tokens.map(\.text).joined() } == ["aaa", "aaa"])
        let sampled = try measure(policy, reference, input, source: .policySamples, options: .init(seed: 3)).policies[0]
        for text in sampled.sequences.map({ $0.tokens.map(\.text).joined() }) {
            #expect(text.count == 3 || text.hasSuffix("b"))
            #expect(!text.dropLast().contains("b"))
        }
        let plain = try PromptFile("ab\r\n\nb\n", name: "p.txt")
        #expect(plain.prompts.map(\.text) == ["ab", "b"] && !plain.hasCompletions)
    }

    @Test func vocabulariesInAnotherOrderAreTheSame() throws {
        let (policy, reference) = try pair()
        let turned = try SampleModel(vocabulary: "ba", logits: [0, log(3)]).loaded(folder.file("turned.crux"))
        let first = try measure(policy, reference, .text("aab", name: "t")).policies[0]
        let second = try measure(turned, reference, .text("aab", name: "t")).policies[0]
        #expect(first.summary == second.summary && second.vocabulary == nil)
        let written = try measure(
            turned, reference,
            .prompts(try PromptFile("a", name: "p"), continuation: .init(maximumTokenCount: 2)), source: .policyGreedy)
        #expect(written.policies[0].sequences[0].tokens.map(\.text) == ["a", "a"])
    }

    @Test func theSharedPartOfTwoVocabulariesIsComparedOnRequestOnly() throws {
        let (_, reference) = try pair()
        // (3/8, 1/8, 1/2) over a, b and c: over a and b alone (3/4, 1/4).
        let larger = try SampleModel(vocabulary: "abc", logits: [log(3), 0, log(4)]).loaded(folder.file("larger.crux"))
        let (policy, _) = try pair()
        let expected = try measure(policy, reference, .text("aab", name: "t")).policies[0].summary
        let found = try measure(
            larger, reference, .text("aab", name: "t"), options: .init(allowsPartOfVocabulary: true)
        ).policies[0]
        #expect(near(found.summary.exactKLPolicyReference.mean, expected.exactKLPolicyReference.mean))
        let vocabulary = try #require(found.vocabulary)
        #expect(vocabulary.sharedCount == 2 && vocabulary.policyOnly == ["c"] && vocabulary.referenceOnly.isEmpty)
        #expect(near(vocabulary.policyExcludedMass, 0.5) && vocabulary.referenceExcludedMass < 1e-12)
    }

    @Test func replacingShiftedTokensMovesSuccess() throws {
        let task = AdditionTask(vocabulary: .task)
        let setup = AdditionSetup.fixed(digits: 1)
        // Models that know one problem's answer by heart; the reference errs in its last digit.
        let problem = try #require(
            setup.problems(count: 1, key: RandomStream.Key(seed: 4, purpose: .analysisPrompts)).first)
        let start = task.prompt(of: problem).count
        let wrong = String(problem.answer.dropLast(2)) + (problem.answer.dropLast().last == "1" ? "2" : "1") + "\n"
        func model(_ name: String, _ text: String) throws -> LoadedModel {
            try SampleModel(tokenizer: task.tokenizer, text: text, from: start, contextLength: 256, sharpness: 1)
                .loaded(folder.file(name))
        }
        let (policy, reference) = (try model("p", problem.answer), try model("r", wrong))
        func crossSample(_ workers: Int) throws -> [CrossSampling] {
            let measurement = try KLMeasurement(
                reference: reference, input: .additions(.init(setup: setup, count: 1, trainedDigits: 1)),
                source: .truth, options: .init(seed: 4), pool: WorkerPool(workerCount: workers))
            return try measurement.crossSample(policy, counts: [2, 1])
        }
        let results = try crossSample(2)
        #expect(results.map(\.direction) == [.policyIntoReference, .referenceIntoPolicy])
        #expect(results[0].host.mean == 0 && results[0].donor.mean == 1)
        #expect(results[0].points.map(\.replacementLimit) == [1, 2])
        #expect(results[0].points.map(\.accuracy.mean) == [1, 1])
        #expect(results[0].points.map(\.meanReplacementCount) == [1, 1])
        #expect(results[1].host.mean == 1 && results[1].points.map(\.accuracy.mean) == [0, 0])
        #expect(try crossSample(1) == results)
    }

    private func message(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)".replacing(folder.path.string + "/", with: "")
        }
    }

    @Test func errorsNameWhatDoesNotFit() throws {
        let (policy, reference) = try pair()
        func failure(_ other: LoadedModel? = nil, text: String) -> String? {
            message { _ = try measure(policy, other ?? reference, .text(text, name: "notes.txt")) }
        }
        #expect(
            failure(text: "ab\nb")
                == "notes.txt: text, line 1, column 3: found \"\\n\", expected one of the 2 characters of the vocabulary"
        )
        #expect(failure(text: "a") == "notes.txt: found 1 tokens, expected at least 2: the first is only context")
        #expect(failure(text: "") == "notes.txt: found 0 tokens, expected at least 2: the first is only context")
        let other = try SampleModel(vocabulary: "acd", logits: [0, 0, 0]).loaded(folder.file("other.crux"))
        #expect(
            failure(other, text: "aa")
                == "policy.crux: tokenizer.vocabulary: found 1 tokens shared; 1 (\"b\") only in the policy, "
                + "2 (\"c\" \"d\") only in other.crux, expected the same tokens in both")
        let larger = try SampleModel(vocabulary: "abc", logits: [0, 0, 0]).loaded(folder.file("larger.crux"))
        #expect(
            failure(larger, text: "aa")
                == "policy.crux: tokenizer.vocabulary: found 2 tokens shared; none only in the policy, "
                + "1 (\"c\") only in larger.crux, expected the same tokens in both, or --shared-vocabulary to compare "
                + "what both know")
        let broken = try SampleModel(vocabulary: "ab", logits: [.nan, 0]).loaded(folder.file("broken.crux"))
        #expect(
            failure(broken, text: "aa")
                == "broken.crux: sequence 0, token 1: found logits that are infinite or not numbers, expected finite logits"
        )
        func additions(_ model: LoadedModel, _ source: TextSource) -> String? {
            message {
                _ = try measure(
                    model, model, .additions(.init(setup: .fixed(digits: 1), count: 1, trainedDigits: 1)),
                    source: source)
            }
        }
        for source in [TextSource.policyGreedy, .referenceGreedy, .truth] {
            #expect(additions(policy, source)?.hasPrefix("policy.crux: tokenizer.vocabulary: found no ") == true)
        }
        let tiny = try SampleModel(
            vocabulary: AdditionVocabulary.task.tokenizer.vocabulary.joined(),
            logits: Array(repeating: 0, count: 40), contextLength: 10
        ).loaded(folder.file("tiny.crux"))
        #expect(
            additions(tiny, .policyGreedy)
                == "fixed, 1+1 digits: found prompts of up to 18 tokens, expected fewer than 10, the models' context length"
        )
        #expect(
            message {
                _ = try measure(policy, reference, .text("ab", name: "t"), source: .policyGreedy)
            } == "t: found a text to read, expected prompts, for a policy to continue")
    }

    @Test(
        "A prompt file's mistakes are named by line",
        arguments: [
            ("", "found no prompt, expected at least one line"),
            ("\n \n", "found no prompt, expected at least one line"),
            (
                "{\"prompt\": \"ab\"}\n{\"prompt\": ",
                "line 2: found {\"prompt\": , expected a JSON object with \"prompt\" and, where there is one, "
                    + "\"completion\", both strings"
            ),
            (
                "{\"prompt\": 7}",
                "line 1: found {\"prompt\": 7}, expected a JSON object with \"prompt\" and, where there is one, "
                    + "\"completion\", both strings"
            ),
            ("{\"prompt\": \"\"}", "line 1: prompt: found no character, expected at least one"),
            (
                "{\"prompt\": \"a\", \"completion\": \"\"}",
                "line 1: completion: found no character, expected at least one, or no completion at all"
            ),
            (
                "{\"prompt\": \"a\"}",
                "line 1: found no completion, expected one, as the truth is to be read; or a source that writes it"
            ),
            (
                "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"ab€\", \"completion\": \"b\"}",
                "line 2: prompt: text, line 1, column 3: found \"€\", expected one of the 2 characters of the vocabulary"
            ),
            (
                "{\"prompt\": \"aaaaaaaa\", \"completion\": \"b\"}",
                "line 1: found a prompt of 8 tokens, expected fewer than 8, the models' context length"
            ),
            (
                "{\"prompt\": \"aaaa\", \"completion\": \"bbbbb\"}",
                "line 1: found 9 tokens with the completion, expected at most 8, the context length of reference.crux"
            ),
        ])
    func promptFileErrors(text: String, expected: String) throws {
        let (policy, reference) = try pair()
        let found = message {
            _ = try measure(
                policy, reference,
                .prompts(try PromptFile(text, name: "p.jsonl"), continuation: .init(maximumTokenCount: 4)))
        }
        #expect(found == "p.jsonl: \(expected)")
    }

    @Test func modelsComeFromAnyFormatThatDescribesThem() throws {
        let model = try SampleModel(vocabulary: "ab", logits: [log(3), 0])
        try model.write(folder.file("a.crux"))
        _ = try Conversion(CheckpointOpener.open(folder.file("a.crux")), to: .safetensors)
            .run(to: folder.file("a.safetensors"))
        let loaded = try LoadedModel(CheckpointOpener.open(folder.file("a.safetensors")))
        #expect(loaded.parameters.array == model.checkpoint.parameters.array)
        #expect(loaded.model.configuration == model.checkpoint.model.configuration)
        #expect(loaded.tokenizer == model.checkpoint.tokenizer)
    }

    @Test func missingMetadataIsListed() throws {
        let golden = Fixtures.path("golden/gpt2-biases.safetensors")
        let error = #expect(throws: AnalysisError.self) { try LoadedModel(CheckpointOpener.open(golden)) }
        #expect(
            error?.description
                == "\(golden): found no model.architecture = gpt2, model.context_length, model.embedding_size, "
                + "model.layer_count, model.head_count, model.vocabulary_size, model.layer_norm_epsilon, "
                + "tokenizer.vocabulary in the metadata, expected a checkpoint that says what model its weights are, "
                + "as those written by crux")
    }

    @Test func weightsThatDoNotFitAreNamedBeforeMemoryIsTaken() throws {
        let model = try SampleModel(vocabulary: "ab", logits: [0, 0]).checkpoint
        func write(_ name: String, _ change: (CheckpointWriter) throws -> Void) throws -> String? {
            let writer = try CheckpointWriter.create(at: folder.file(name))
            model.writeMetadata(to: writer)
            try change(writer)
            try writer.finish()
            return message { _ = try LoadedModel(CheckpointOpener.open(folder.file(name))) }
        }
        #expect(
            try write("a.crux") { _ in } == "a.crux: tensor 'wte.weight': found no such tensor, expected shape [2, 2]")
        #expect(
            try write("b.crux") { writer in
                writer.setMetadata(MetadataKey.embeddingSize, .uint32(65536))
                writer.setMetadata(MetadataKey.layerCount, .uint32(1024))
            } == "b.crux: tensor 'wte.weight': found no such tensor, expected shape [2, 65536]")
        #expect(
            try write("c.crux") { $0.setMetadata(MetadataKey.headCount, .uint32(0)) }
                == "c.crux: model.head_count: found 0, expected a number from 1 to 1024")
        #expect(
            try write("d.crux") {
                $0.setMetadata(MetadataKey.tokenizerVocabulary, .array(MetadataArray(["a", "b", "c"])))
            } == "d.crux: tokenizer.vocabulary: found 3 tokens, expected 2, the model's vocabulary")
    }
}
