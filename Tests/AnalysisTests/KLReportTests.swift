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

    private func near(_ found: some BinaryFloatingPoint, _ expected: Double) -> Bool {
        abs(Double(found) - expected) < 2e-6
    }

    @Test func computesEveryFigureOfAToken() throws {
        let (policy, reference) = try pair()
        let options = KLReport.Options(penalty: .prioritised(certainty: .negentropy, beta: 2, intercept: 0))
        let report = try KLReport.measure(
            policy: policy, reference: reference, text: "aab", name: "text", options: options, pool: pool)
        #expect(report.sequences.count == 1)
        #expect(report.sequences[0].prompt == "a")
        let tokens = report.sequences[0].tokens
        #expect(tokens.map(\.text) == ["a", "b"])
        #expect(tokens.map(\.position) == [1, 2])
        let forward = 0.75 * log(0.75 / 0.9) + 0.25 * log(0.25 / 0.1)
        let backward = 0.9 * log(0.9 / 0.75) + 0.1 * log(0.1 / 0.25)
        let (policyEntropy, referenceEntropy) = (
            -0.75 * log(0.75) - 0.25 * log(0.25), -0.9 * log(0.9) - 0.1 * log(0.1)
        )
        let certainty = 1 - referenceEntropy / log(2)
        for token in tokens {
            #expect(near(token.exactKLPolicyReference, forward))
            #expect(near(token.exactKLReferencePolicy, backward))
            #expect(near(token.policyEntropy, policyEntropy))
            #expect(near(token.referenceEntropy, referenceEntropy))
            #expect(near(token.certainty, certainty))
            #expect(near(token.penaltyWeight, certainty * certainty))
            #expect(token.policyTop == "a" && token.referenceTop == "a" && token.topAgrees)
            #expect(token.critical == nil)
        }
        // k1 = ln π − ln π_old, k2 = ½ k1², k3 = e^(−k1) − 1 + k1.
        for (token, ratio) in [(tokens[0], 0.75 / 0.9), (tokens[1], 0.25 / 0.1)] {
            #expect(near(token.policyLogProb - token.referenceLogProb, log(ratio)))
            #expect(near(token.k1Estimate, log(ratio)))
            #expect(near(token.k2Estimate, 0.5 * log(ratio) * log(ratio)))
            #expect(near(token.k3Estimate, 1 / ratio - 1 + log(ratio)))
        }
        #expect(near(tokens[1].policyLogProb, log(0.25)))
        #expect(report.summary.tokenCount == 2)
        #expect(near(report.summary.exactKLPolicyReference.mean, forward))
        #expect(near(report.summary.exactKLReferencePolicy.maximum, backward))
        #expect(near(report.summary.meanK1Estimate, (log(0.75 / 0.9) + log(2.5)) / 2))
        #expect(report.summary.topAgreement == 1)
        #expect(report.criticalSummary == nil && report.nonCriticalSummary == nil)
        #expect(report.vocabularySize == 2)
        #expect(report.text.kind == .file)
        #expect(report.penalty.beta == 2)
    }

    @Test func theTemperatureAppliesToBoth() throws {
        let (policy, reference) = try pair()
        let report = try KLReport.measure(
            policy: policy, reference: reference, text: "ab", name: "text", options: .init(temperature: 2), pool: pool)
        let (p, q) = (3.0.squareRoot() / (1 + 3.0.squareRoot()), 0.75)
        #expect(near(report.summary.exactKLPolicyReference.mean, p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))))
        #expect(report.temperature == 2)
        for temperature: Float in [0, -1, .nan, .infinity] {
            #expect(throws: AnalysisError.self) {
                try KLReport.measure(
                    policy: policy, reference: reference, text: "ab", name: "text",
                    options: .init(temperature: temperature), pool: pool)
            }
        }
    }

    @Test(arguments: [2, 7, 8, 9, 12, 13, 40, 41])
    func windowsScoreEachTokenOnce(length: Int) throws {
        let (policy, reference) = try pair()
        let text = String((0..<length).map { $0 % 3 == 0 ? "a" : "b" })
        let report = try KLReport.measure(policy: policy, reference: reference, text: text, name: "t", pool: pool)
        #expect(report.sequences.flatMap(\.tokens).map(\.text).joined() == String(text.dropFirst()))
        #expect(report.summary.tokenCount == length - 1)
        #expect(report.text.sequenceCount == report.sequences.count)
        // Half a context (8 / 2) before every token but those of the first window.
        for sequence in report.sequences.dropFirst() { #expect(sequence.prompt.count >= 4) }
        #expect(report.sequences.count == (length <= 8 ? 1 : 1 + (length - 8 + 3) / 4))
    }

    @Test func listsTheMostShiftedTokensWithTheirContext() throws {
        let tokenizer = try CharacterTokenizer(vocabulary: ["a", "b", "c", "d"])
        let policy = try SampleModel(tokenizer: tokenizer, text: "bcdabcd", from: 1, contextLength: 8, sharpness: 1)
            .loaded(folder.file("p"))
        let reference = try SampleModel(tokenizer: tokenizer, text: "bcdaacd", from: 1, contextLength: 8, sharpness: 1)
            .loaded(folder.file("r"))
        let report = try KLReport.measure(
            policy: policy, reference: reference, text: "abcdabcd", name: "t",
            options: .init(shiftedTokenCount: 2, shiftedContextLength: 2, keepsTokens: false), pool: pool)
        #expect(report.sequences.isEmpty)
        #expect(report.mostShifted.count == 2)
        let first = try #require(report.mostShifted.first)
        #expect(first.token.position == 5)
        #expect([first.left, first.token.text, first.right] == ["da", "b", "cd"])
        #expect(first.token.policyTop == "b" && first.token.referenceTop == "a" && !first.token.topAgrees)
        #expect(report.summary.topAgreement == 6.0 / 7)
        #expect(report.summary.exactKLPolicyReference.maximum == Double(first.token.exactKLPolicyReference))
        // Where both agree they are the same model.
        #expect(report.summary.exactKLPolicyReference.median == 0)
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
        let additions = KLReport.Additions(setup: setup, count: 1, seed: 5, trainedDigits: 1, sampling: .greedy)
        let report = try KLReport.measure(policy: policy, reference: reference, additions: additions, pool: pool)
        let sequence = try #require(report.sequences.first)
        #expect(sequence.outcome == "correct")
        #expect(sequence.prompt == problem.prompt)
        #expect(sequence.tokens.map(\.text).joined() == problem.answer)
        let expected = task.criticalTokens(ofAnswerTo: problem, trainedDigits: 1)
        #expect(!expected.isEmpty)
        let found = sequence.tokens.filter { $0.critical != nil }
        #expect(found.compactMap(\.critical?.name) == expected.map(\.critical.name))
        #expect(found.map(\.position) == expected.map { start + $0.critical.position })
        #expect(found.allSatisfy { $0.critical?.rightText == $0.text })
        #expect(found.allSatisfy { $0.critical?.policyLogProb == $0.policyLogProb })
        #expect(report.criticalSummary?.tokenCount == expected.count)
        #expect(report.nonCriticalSummary?.tokenCount == sequence.tokens.count - expected.count)
        #expect(report.summary.exactKLPolicyReference.mean > 0)
        #expect(report.temperature == 1)
        #expect(report.text.name == "addition, fixed, 2+2 digits")
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
        func report(_ seed: UInt64, _ workers: Int) throws -> KLReport {
            try KLReport.measure(
                policy: policy, reference: reference,
                additions: .init(
                    setup: .varying(digits: 3), count: 5, seed: seed, trainedDigits: 2,
                    sampling: SamplingOptions(temperature: 2)),
                pool: WorkerPool(workerCount: workers))
        }
        let one = try report(1, 1)
        #expect(one == (try report(1, 3)))
        #expect(one.sequences.map(\.tokens) != (try report(2, 1).sequences.map(\.tokens)))
        #expect(one.temperature == 2)
        #expect(one.sequences.count == 5)
        #expect(one.sequences.allSatisfy { $0.outcome == "unfinished" })
        #expect(one.sequences.allSatisfy { $0.prompt.count + $0.tokens.count <= 64 })
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
        func measure(_ other: LoadedModel? = nil, text: String) -> String? {
            message {
                _ = try KLReport.measure(
                    policy: policy, reference: other ?? reference, text: text, name: "notes.txt", pool: pool)
            }
        }
        #expect(
            measure(text: "ab\nb")
                == "notes.txt: text, line 1, column 3: found \"\\n\", expected one of the 2 characters of the vocabulary"
        )
        #expect(
            measure(text: "a") == "notes.txt: found 1 characters, expected at least 2: the first is only context")
        let other = try SampleModel(vocabulary: "ac", logits: [0, 0]).loaded(folder.file("other.crux"))
        #expect(
            measure(other, text: "aa")
                == "policy.crux: tokenizer.vocabulary[1]: found \"b\", expected \"c\" as in other.crux")
        let larger = try SampleModel(vocabulary: "abc", logits: [0, 0, 0]).loaded(folder.file("larger.crux"))
        #expect(
            measure(larger, text: "aa")
                == "policy.crux: tokenizer.vocabulary: found 2 tokens, expected 3 as in larger.crux")
        let broken = try SampleModel(vocabulary: "ab", logits: [.nan, 0]).loaded(folder.file("broken.crux"))
        #expect(
            measure(broken, text: "aa")
                == "broken.crux: sequence 0, token 1: found logits that are infinite or not numbers, expected finite logits"
        )
        #expect(
            message {
                _ = try KLReport.measure(
                    policy: policy, reference: reference,
                    additions: .init(setup: .fixed(digits: 1), count: 1, seed: 0, trainedDigits: 1, sampling: .greedy),
                    pool: pool)
            }?.hasPrefix("policy.crux: tokenizer.vocabulary: found no ") == true)
        let tiny = try SampleModel(
            vocabulary: AdditionVocabulary.task.tokenizer.vocabulary.joined(),
            logits: Array(repeating: 0, count: 40), contextLength: 10
        ).loaded(folder.file("tiny.crux"))
        #expect(
            message {
                _ = try KLReport.measure(
                    policy: tiny, reference: tiny,
                    additions: .init(setup: .fixed(digits: 1), count: 1, seed: 0, trainedDigits: 1, sampling: .greedy),
                    pool: pool)
            }
                == "fixed, 1+1 digits: found prompts of up to 18 tokens, expected fewer than 10, the models' context length"
        )
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
