import Kernels
import LanguageModel
import TensorCore
import Testing

@Suite struct GPTTests {
    static let configuration = ModelConfiguration(
        vocabularySize: 19, contextLength: 200, layerCount: 3, headCount: 2, embeddingSize: 24, usesBiases: true)

    /// A model with random parameters.
    static func makeModel(_ configuration: ModelConfiguration = configuration) throws -> (GPT, FloatSlice) {
        let model = try GPT(configuration)
        let parameters = FloatArena(count: model.layout.count).all
        model.initialise(parameters, seed: 9)
        Reduction.scale(parameters, by: 4)  // far enough from uniform predictions
        return (model, parameters)
    }

    static func tokens(_ count: Int, seed: UInt64 = 0, below limit: Int = 19) -> [Int32] {
        var stream = RandomStream(RandomStream.Key(seed: seed, purpose: .bootstrap))
        return (0..<count).map { _ in Int32(stream.next() % UInt64(limit)) }
    }

    private func logits(
        _ model: GPT, _ parameters: FloatSlice, _ batch: PackedBatch, forTraining: Bool = false
    ) -> [Float] {
        let workspace = model.makeWorkspace(
            maximumTokenCount: batch.tokenCount, maximumSequenceLength: batch.maximumSequenceLength,
            forTraining: forTraining)
        model.forward(batch, parameters: parameters, workspace: workspace)
        return workspace.logits.array
    }

    @Test func workspacesWithAndWithoutTrainingAgree() throws {
        let (model, parameters) = try Self.makeModel()
        var batch = PackedBatch()
        for (index, length) in [70, 1, 33].enumerated() { batch.append(Self.tokens(length, seed: UInt64(index))) }
        #expect(
            logits(model, parameters, batch, forTraining: true)
                == logits(model, parameters, batch, forTraining: false))
    }

    @Test func packedSequencesDoNotSeeEachOther() throws {
        let (model, parameters) = try Self.makeModel()
        let sequences = [Self.tokens(130), Self.tokens(1, seed: 1), Self.tokens(64, seed: 2)]
        var batch = PackedBatch()
        for sequence in sequences { batch.append(sequence) }
        let together = logits(model, parameters, batch)
        for (index, sequence) in sequences.enumerated() {
            var single = PackedBatch()
            single.append(sequence)
            let rows = batch.rows(of: index)
            expectClose(
                Array(together[(rows.lowerBound * 19)..<(rows.upperBound * 19)]), logits(model, parameters, single),
                within: 1e-5, "sequence \(index)")
        }
    }

    @Test func laterTokensDoNotChangeEarlierLogits() throws {
        let (model, parameters) = try Self.makeModel()
        var (short, long) = (PackedBatch(), PackedBatch())
        let tokens = Self.tokens(140)
        short.append(tokens.prefix(90))
        long.append(tokens)
        expectClose(
            Array(logits(model, parameters, long).prefix(90 * 19)), logits(model, parameters, short), within: 1e-5,
            "prefix")
    }

    @Test func repeatedPassesAreIdentical() throws {
        let (model, parameters) = try Self.makeModel()
        var sequences = PackedBatch()
        sequences.append(Self.tokens(100))
        sequences.append(Self.tokens(37))
        let batch = sequences
        let targets = Self.tokens(137, seed: 4)
        func gradients() -> [Float] {
            let workspace = model.makeWorkspace(
                maximumTokenCount: 137, maximumSequenceLength: 100, forTraining: true)
            let gradients = FloatArena(count: model.layout.count).all
            model.forward(batch, parameters: parameters, workspace: workspace)
            _ = CrossEntropy.evaluate(
                logits: workspace.logits, targets: targets, losses: workspace.losses,
                gradient: workspace.logitsGradient)
            model.backward(batch, parameters: parameters, gradients: gradients, workspace: workspace)
            return gradients.array
        }
        let first = gradients()
        #expect(first == gradients())
        // The same on other threads, several at once.
        let pool = WorkerPool(workerCount: 2)
        let results = (0..<4).map { _ in FloatArena(count: model.layout.count).all }
        pool.run(taskCount: 4) { task, _ in
            let workspace = model.makeWorkspace(
                maximumTokenCount: 137, maximumSequenceLength: 100, forTraining: true)
            model.forward(batch, parameters: parameters, workspace: workspace)
            _ = CrossEntropy.evaluate(
                logits: workspace.logits, targets: targets, losses: workspace.losses,
                gradient: workspace.logitsGradient)
            model.backward(batch, parameters: parameters, gradients: results[task], workspace: workspace)
        }
        for result in results { #expect(result.array == first) }
    }

    @Test func aNaNReachesTheLogits() throws {
        let (model, parameters) = try Self.makeModel()
        parameters[0] = .nan
        var batch = PackedBatch()
        batch.append([0, 1, 2])
        #expect(logits(model, parameters, batch).allSatisfy { $0.isNaN })
    }

    @Test func initialisationFollowsGPT2() throws {
        let model = try GPT(Self.configuration)
        let parameters = FloatArena(count: model.layout.count).all
        model.initialise(parameters, seed: 7)
        for entry in model.layout.entries {
            let values = parameters[entry.range]
            if entry.shape.rank == 1 {
                let expected: Float = entry.name.hasSuffix(".bias") ? 0 : 1
                #expect(values.array.allSatisfy { $0 == expected })
            } else {
                let deviation = (Reduction.sumOfSquares(values) / Double(values.count)).squareRoot()
                let expected = entry.name.hasSuffix("c_proj.weight") ? 0.02 / 6.0.squareRoot() : 0.02
                #expect(abs(deviation / expected - 1) < 0.15, "\(entry.name)")
            }
        }
        let again = FloatArena(count: model.layout.count).all
        model.initialise(again, seed: 7)
        #expect(again.array == parameters.array)
        model.initialise(again, seed: 8)
        #expect(again.array != parameters.array)
    }

    @Test func sizesThatCannotBeAreRefused() {
        let configuration = ModelConfiguration(
            vocabularySize: 10, contextLength: 8, layerCount: 1, headCount: 3, embeddingSize: 8)
        #expect(throws: ModelError.self) { try GPT(configuration) }
    }

    @Test func crossEntropyLeavesOutIgnoredTargets() {
        let logits = FloatArena.holding([1, 2, 3, 0, 0, 0, 5, 1, 1])
        let gradient = FloatArena.holding(Array(repeating: 9, count: 9))
        let sum = CrossEntropy.evaluate(
            logits: logits, targets: [2, -1, 0], losses: FloatArena(count: 3).all, scale: 2, gradient: gradient)
        #expect(sum.count == 2)
        #expect(abs(sum.loss - (0.407606 + 0.035976)) < 1e-5)
        expectClose(
            gradient.array, [0.180061, 0.489457, -0.669518, 0, 0, 0, -0.070673, 0.035337, 0.035337], within: 1e-5,
            "gradient")
    }
}
