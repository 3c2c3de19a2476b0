import Foundation
import Kernels
import LanguageModel
import Synchronization
import Testing

@Suite struct GeneratorTests {
    static let key = RandomStream.Key(seed: 11, purpose: .generation, step: 2)

    /// Prompts of ragged lengths, some in the middle of the context.
    static func requests(_ count: Int, newTokens: Int = 40) -> [GenerationRequest] {
        (0..<count).map { index in
            GenerationRequest(
                prompt: GPTTests.tokens(1 + (index * 37) % 90, seed: UInt64(index)), sample: UInt64(index),
                maximumNewTokenCount: newTokens, startPosition: index % 3 == 0 ? 13 : 0)
        }
    }

    /// log softmax(logits / temperature) of every completion token by a full forward pass.
    private func score(
        _ model: GPT, _ parameters: FloatSlice, _ request: GenerationRequest, _ completion: Completion,
        temperature: Float
    ) -> (logits: [[Float]], logProbs: [Float]) {
        var batch = PackedBatch()
        batch.append(request.prompt + completion.tokens, firstPosition: request.startPosition)
        let workspace = model.makeWorkspace(
            maximumTokenCount: batch.tokenCount, maximumSequenceLength: batch.tokenCount, forTraining: false)
        model.forward(batch, parameters: parameters, workspace: workspace)
        let width = model.configuration.vocabularySize
        let first = request.prompt.count - 1
        let rows = completion.tokens.indices.map { index in
            Array(workspace.logits.array[((first + index) * width)..<((first + index + 1) * width)])
        }
        let logProbs = zip(rows, completion.tokens).map { row, token in
            let scaled = row.map { Double($0 / temperature) }
            let maximum = scaled.max() ?? 0
            return Float(scaled[Int(token)] - maximum - log(scaled.reduce(0) { $0 + exp($1 - maximum) }))
        }
        return (rows, logProbs)
    }

    @Test(arguments: [0, 0.7, 1.5] as [Float], [false, true])
    func cachedGenerationAgreesWithTheFullForwardPass(temperature: Float, sharesLayers: Bool) throws {
        let (model, parameters) = try GPTTests.makeModel()
        let requests = Self.requests(21)
        var generator = Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 2))
        generator.sharesLayers = sharesLayers
        let completions = try generator.generate(
            requests, sampling: SamplingOptions(temperature: temperature), stream: Self.key
        ) { _ in false }
        for (request, completion) in zip(requests, completions) {
            #expect(completion.tokens.count == 40 && !completion.isFinished)
            let (logits, logProbs) = score(
                model, parameters, request, completion, temperature: temperature == 0 ? 1 : temperature)
            for (index, token) in completion.tokens.enumerated() {
                #expect(abs(logProbs[index] - completion.logProbs[index]) < 1e-4)
                if temperature == 0 {
                    // The most probable token, up to rounding.
                    #expect(logits[index][Int(token)] >= (logits[index].max() ?? 0) - 1e-4)
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func completionsDoNotDependOnTheNumberOfWorkers(sharesLayers: Bool) throws {
        // Wider than one piece of a shared layer.
        let (model, parameters) = try GPTTests.makeModel(
            ModelConfiguration(
                vocabularySize: 19, contextLength: 200, layerCount: 2, headCount: 3, embeddingSize: 60))
        let requests = Self.requests(150, newTokens: 20)
        // Sequences end at different times, so slots are refilled.
        let stop: @Sendable ([Int32]) -> Bool = { $0.last == 3 }
        let results = try [1, 2, 3, 8].map { workers in
            var generator = Generator(
                model: model, parameters: parameters, pool: WorkerPool(workerCount: workers))
            generator.sharesLayers = sharesLayers
            return try generator.generate(requests, sampling: SamplingOptions(), stream: Self.key, stop: stop)
        }
        for result in results.dropFirst() { #expect(result == results[0]) }
        #expect(results[0].contains { $0.isFinished } && results[0].contains { !$0.isFinished })
        for completion in results[0] {
            #expect(completion.isFinished == (completion.tokens.last == 3))
            #expect(!completion.tokens.dropLast().contains(3))
            #expect(completion.isFinished || completion.tokens.count == 20)
        }
    }

    @Test(arguments: [false, true])
    func completionsDoNotDependOnTheOtherRequests(sharesLayers: Bool) throws {
        let (model, parameters) = try GPTTests.makeModel()
        let requests = Self.requests(40, newTokens: 30)
        let stop: @Sendable ([Int32]) -> Bool = { $0.last == 3 }
        var generator = Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 2))
        generator.sharesLayers = sharesLayers
        func complete(_ requests: [GenerationRequest]) throws -> [Completion] {
            try generator.generate(requests, sampling: SamplingOptions(), stream: Self.key, stop: stop)
        }
        let together = try complete(requests)
        #expect(Set(together.map(\.tokens.count)).count > 5)
        #expect(try complete(requests.reversed()).reversed() == together)
        for (request, completion) in zip(requests, together) { #expect(try complete([request]) == [completion]) }
    }

    @Test func whatEndsLeavesItsPlaceToTheNext() throws {
        // One request goes on for 150 tokens; 60 others, more than there are slots, end before it does.
        let (model, parameters) = try GPTTests.makeModel()
        let requests = ([150] + Array(repeating: 5, count: 60)).enumerated().map { index, length in
            GenerationRequest(prompt: [1, 2], sample: UInt64(index), maximumNewTokenCount: length)
        }
        let shortCount = Atomic<Int>(0)
        let shortCountAtEnd = Atomic<Int>(0)
        let generator = Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 1))
        _ = try generator.generate(requests, sampling: SamplingOptions(), stream: Self.key) { tokens in
            if tokens.count == 5 { shortCount.add(1, ordering: .relaxed) }
            if tokens.count == 150 {
                shortCountAtEnd.store(shortCount.load(ordering: .relaxed), ordering: .relaxed)
            }
            return false
        }
        #expect(shortCountAtEnd.load(ordering: .relaxed) == 61)
    }

    @Test func generatingAgainAllocatesNoBuffers() async {
        // In a process of its own, for other tests allocate at the same time.
        await #expect(processExitsWith: .success) {
            let (model, parameters) = try GPTTests.makeModel()
            let generator = Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 2))
            func generate(_ count: Int) throws {
                _ = try generator.generate(
                    GeneratorTests.requests(count), sampling: SamplingOptions(), stream: GeneratorTests.key
                ) { _ in false }
            }
            try generate(40)
            let count = FloatArena.allocationCount
            try generate(40)
            try generate(7)
            #expect(count > 0 && FloatArena.allocationCount == count)
        }
    }

    @Test func samplesFollowTheDistribution() throws {
        let (model, parameters) = try GPTTests.makeModel()
        let count = 4000
        let requests = (0..<count).map {
            GenerationRequest(prompt: [1, 2, 3], sample: UInt64($0), maximumNewTokenCount: 1)
        }
        for topK in [nil, 4] {
            let completions = try Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 1))
                .generate(
                    requests, sampling: SamplingOptions(temperature: 2, topK: topK), stream: Self.key
                ) { _ in false }
            var batch = PackedBatch()
            batch.append([1, 2, 3])
            let workspace = model.makeWorkspace(maximumTokenCount: 3, maximumSequenceLength: 3, forTraining: false)
            model.forward(batch, parameters: parameters, workspace: workspace)
            var weights = workspace.logits.array.suffix(19).map { exp(Double($0) / 2) }
            if let topK {
                let limit = weights.sorted(by: >)[topK - 1]
                weights = weights.map { $0 >= limit ? $0 : 0 }
            }
            let total = weights.reduce(0, +)
            for token in 0..<19 {
                let expected = weights[token] / total
                let found = Double(completions.count { $0.tokens == [Int32(token)] }) / Double(count)
                // Five standard deviations.
                let margin = 5 * (expected * (1 - expected) / Double(count)).squareRoot()
                #expect(abs(found - expected) <= margin, "token \(token), top-k \(topK ?? 0)")
            }
        }
    }

    @Test func samplesAndSeedsDrawDifferently() throws {
        let (model, parameters) = try GPTTests.makeModel()
        let generator = Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 1))
        func tokens(sample: UInt64, seed: UInt64) throws -> [Int32] {
            try generator.generate(
                [GenerationRequest(prompt: [4], sample: sample, maximumNewTokenCount: 30)],
                sampling: SamplingOptions(temperature: 2),
                stream: RandomStream.Key(seed: seed, purpose: .generation)
            ) { _ in false }[0].tokens
        }
        let first = try tokens(sample: 0, seed: 0)
        #expect(try tokens(sample: 0, seed: 0) == first)
        #expect(try tokens(sample: 1, seed: 0) != first)
        #expect(try tokens(sample: 0, seed: 1) != first)
    }

    @Test func greedyTakesTheFirstOfEquals() throws {
        let configuration = GPTTests.configuration
        let model = try GPT(configuration)
        let parameters = FloatArena(count: model.layout.count).all  // all zero: every logit is equal
        let completions = try Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 1))
            .generate(
                [GenerationRequest(prompt: [5], sample: 0, maximumNewTokenCount: 3)], sampling: .greedy,
                stream: Self.key
            ) { _ in false }
        #expect(completions[0].tokens == [0, 0, 0])
        #expect(abs(completions[0].logProbs[0] + log(Float(19))) < 1e-6)
    }

    @Test func theContextLimitsTheLength() throws {
        let (model, parameters) = try GPTTests.makeModel()
        let requests = [(190, 0), (200, 0), (1, 199), (150, 45)].map { length, start in
            GenerationRequest(
                prompt: GPTTests.tokens(length), sample: 0, maximumNewTokenCount: 1000, startPosition: start)
        }
        let completions = try Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 2))
            .generate(requests, sampling: .greedy, stream: Self.key) { _ in false }
        #expect(completions.map(\.tokens.count) == [10, 0, 0, 5])
        #expect(completions.allSatisfy { !$0.isFinished })
    }

    @Test func requestsThatTheModelCannotTakeAreRefused() throws {
        let (model, parameters) = try GPTTests.makeModel()
        let generator = Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 1))
        func message(
            _ prompt: [Int32], start: Int = 0, new: Int = 1, sampling: SamplingOptions = .greedy
        ) -> String {
            do throws(ModelError) {
                let request = GenerationRequest(
                    prompt: prompt, sample: 0, maximumNewTokenCount: new, startPosition: start)
                _ = try generator.generate([request], sampling: sampling, stream: Self.key) { _ in false }
                return "accepted"
            } catch {
                return error.description
            }
        }
        #expect(message([]) == "requests[0].prompt: found no token, expected at least one")
        #expect(message([3, 19]) == "requests[0].prompt: found token 19, expected 0..<19")
        #expect(message([-1]) == "requests[0].prompt: found token -1, expected 0..<19")
        #expect(
            message(GPTTests.tokens(201))
                == "requests[0].prompt: found 201 tokens from position 0, expected positions within the context of 200")
        #expect(
            message([1], start: .max)
                == "requests[0].prompt: found 1 tokens from position 9223372036854775807, "
                + "expected positions within the context of 200")
        #expect(message([1], new: -1) == "requests[0].maximumNewTokenCount: found -1, expected 0 or more")
        #expect(
            message([1], sampling: SamplingOptions(temperature: -1))
                == "temperature: found -1.0, expected 0 or a positive number")
        #expect(message([1], sampling: SamplingOptions(topK: 0)) == "top_k: found 0, expected 1 or more")
        #expect(message([1]) == "accepted")
        #expect(try generator.generate([], sampling: .greedy, stream: Self.key) { _ in false }.isEmpty)
    }

    @Test func parametersThatDivergedAreReported() throws {
        let (model, parameters) = try GPTTests.makeModel()
        parameters.fill(.nan)
        let generator = Generator(model: model, parameters: parameters, pool: WorkerPool(workerCount: 1))
        for sampling in [SamplingOptions.greedy, SamplingOptions()] {
            #expect(throws: ModelError.self) {
                try generator.generate(Self.requests(3), sampling: sampling, stream: Self.key) { _ in false }
            }
        }
    }
}
