import Kernels
import LanguageModel
import Testing

/// The whole backward pass against central differences, on sizes that fill no vector evenly.
@Suite struct GPTGradientTests {
    static let shapes = [
        ModelConfiguration(
            vocabularySize: 11, contextLength: 150, layerCount: 2, headCount: 3, embeddingSize: 15, usesBiases: true),
        ModelConfiguration(vocabularySize: 7, contextLength: 150, layerCount: 1, headCount: 1, embeddingSize: 6),
        ModelConfiguration(vocabularySize: 33, contextLength: 150, layerCount: 3, headCount: 2, embeddingSize: 32),
    ]

    @Test(arguments: shapes)
    func gradientsAreSlopes(configuration: ModelConfiguration) throws {
        let model = try GPT(configuration)
        var stream = RandomStream(RandomStream.Key(seed: 5, purpose: .bootstrap))
        func random(_ count: Int, _ scale: Float) -> [Float] {
            (0..<count).map { _ in scale * Float(2 * stream.nextUnit() - 1) }
        }
        let parameters = FloatArena(count: model.layout.count).all
        model.initialise(parameters, seed: 3)
        for entry in model.layout.entries {
            // Far from symmetric, so that every term of every gradient matters.
            let values = zip(parameters[entry.range].array, random(entry.range.count, 0.4)).map { $0 + $1 }
            parameters[entry.range].copy(from: values)
        }
        // One token, one block of queries and a little, two blocks and a little.
        var batch = PackedBatch()
        for (length, position) in [(1, 4), (66, 0), (130, 7)] {
            let tokens = (0..<length).map { _ in Int32(stream.next() % UInt64(configuration.vocabularySize)) }
            batch.append(tokens, firstPosition: position)
        }
        let workspace = model.makeWorkspace(maximumTokenCount: 197, maximumSequenceLength: 130, forTraining: true)

        // A linear function of logits and hidden states: its gradients there are the random weights themselves.
        let logitWeights = random(197 * configuration.vocabularySize, 0.1)
        let hiddenWeights = random(197 * configuration.embeddingSize, 0.1)
        func value() -> Double {
            model.forward(batch, parameters: parameters, workspace: workspace)
            func dot(_ slice: FloatSlice, _ weights: [Float]) -> Double {
                slice.withSpan { span in weights.indices.reduce(0) { $0 + Double(span[$1]) * Double(weights[$1]) } }
            }
            return dot(workspace.logits, logitWeights) + dot(workspace.hidden, hiddenWeights)
        }
        _ = value()
        workspace.logitsGradient.copy(from: logitWeights)
        workspace.hiddenGradient.copy(from: hiddenWeights)
        let gradients = FloatArena(count: model.layout.count).all
        model.backward(batch, parameters: parameters, gradients: gradients, workspace: workspace)

        for entry in model.layout.entries {
            // Along the gradient's own direction the slope is its norm: no cancellation hides an error.
            let slice = parameters[entry.range]
            let original = slice.array
            let gradient = gradients[entry.range].array
            let norm = Reduction.sumOfSquares(gradients[entry.range]).squareRoot()
            guard norm > 1e-4 else {
                #expect(Bool(false), "\(entry.name): no gradient")
                continue
            }
            /// The slope along a direction, by differences of fourth order.
            func slope(along direction: [Float]) -> Double {
                let length = direction.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                let step = 0.01
                func moved(_ steps: Double) -> Double {
                    let values = zip(original, direction).map { $0 + Float(steps * step * Double($1) / length) }
                    slice.copy(from: values)
                    return value()
                }
                defer { slice.copy(from: original) }
                return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step)
            }
            let steepest = slope(along: gradient)
            #expect(abs(steepest - norm) < 0.01 * norm, "\(entry.name): slope \(steepest), gradient's norm \(norm)")

            // And along a random direction, which would show a part that is missing from the gradient.
            let direction = random(gradient.count, 1)
            let length = direction.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            let expected = zip(gradient, direction).reduce(0) { $0 + Double($1.0) * Double($1.1) } / length
            let found = slope(along: direction)
            #expect(
                abs(found - expected) < 0.01 * abs(expected) + 0.005 * norm,
                "\(entry.name): slope \(found), gradient \(expected)")
        }
    }

    @Test func backwardAddsToTheGradients() throws {
        let model = try GPT(Self.shapes[1])
        let parameters = FloatArena(count: model.layout.count).all
        model.initialise(parameters, seed: 1)
        var batch = PackedBatch()
        batch.append([1, 2, 3, 4, 5])
        let workspace = model.makeWorkspace(maximumTokenCount: 5, maximumSequenceLength: 5, forTraining: true)
        model.forward(batch, parameters: parameters, workspace: workspace)
        _ = CrossEntropy.evaluate(
            logits: workspace.logits, targets: [2, 3, 4, 5, 6], losses: workspace.losses,
            gradient: workspace.logitsGradient)
        let once = FloatArena(count: model.layout.count).all
        let twice = FloatArena(count: model.layout.count).all
        model.backward(batch, parameters: parameters, gradients: once, workspace: workspace)
        model.backward(batch, parameters: parameters, gradients: twice, workspace: workspace)
        model.backward(batch, parameters: parameters, gradients: twice, workspace: workspace)
        expectClose(twice.array, once.array.map { 2 * $0 }, within: 1e-5, "gradients")
    }
}
