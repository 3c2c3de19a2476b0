import Kernels
import LanguageModel
import TensorCore
import Testing

/// The engine against PyTorch in double precision: `fixtures/golden/record.py` holds the recipe.
@Suite struct GPTGoldenTests {
    static let files = [("gpt2-biases", true), ("gpt2-no-biases", false)]

    /// A model with the golden weights, its batch and targets.
    struct Setup {
        let golden: GoldenFile
        let model: GPT
        let parameters: FloatSlice
        let batch: PackedBatch
        let targets: [Int32]
        let workspace: Workspace

        init(_ file: String, usesBiases: Bool) throws {
            golden = try GoldenFile(file)
            model = try GPT(
                ModelConfiguration(
                    vocabularySize: 23, contextLength: 48, layerCount: 2, headCount: 4, embeddingSize: 32,
                    usesBiases: usesBiases))
            parameters = FloatArena(count: model.layout.count).all
            for entry in model.layout.entries {
                #expect(golden.shape("weights/" + entry.name) == entry.shape.dimensions)
                parameters[entry.range].copy(from: try golden.floats("weights/" + entry.name))
            }
            batch = try PackedBatch(golden: golden)
            targets = try golden.integers("targets")
            workspace = model.makeWorkspace(
                maximumTokenCount: batch.tokenCount + 5, maximumSequenceLength: 40, forTraining: true)
        }

        /// Forward, loss, backward into zeroed gradients; returns the mean loss.
        func evaluate(into gradients: FloatSlice) -> Double {
            gradients.fill(0)
            model.forward(batch, parameters: parameters, workspace: workspace)
            let count = targets.count { $0 >= 0 }
            let sum = CrossEntropy.evaluate(
                logits: workspace.logits, targets: targets, losses: workspace.losses, scale: 1 / Float(count),
                gradient: workspace.logitsGradient)
            #expect(sum.count == count)
            model.backward(batch, parameters: parameters, gradients: gradients, workspace: workspace)
            return sum.loss / Double(sum.count)
        }
    }

    @Test(arguments: files)
    func forwardMatches(file: String, usesBiases: Bool) throws {
        let setup = try Setup(file, usesBiases: usesBiases)
        setup.model.forward(setup.batch, parameters: setup.parameters, workspace: setup.workspace)
        expectClose(setup.workspace.hidden.array, try setup.golden.floats("hidden"), within: 2e-5, "hidden")
        expectClose(setup.workspace.logits.array, try setup.golden.floats("logits"), within: 2e-5, "logits")
    }

    @Test(arguments: files)
    func lossAndGradientsMatch(file: String, usesBiases: Bool) throws {
        let setup = try Setup(file, usesBiases: usesBiases)
        let gradients = FloatArena(count: setup.model.layout.count).all
        let loss = setup.evaluate(into: gradients)
        #expect(abs(loss - Double(try setup.golden.floats("loss")[0])) < 1e-5)
        for entry in setup.model.layout.entries {
            let expected = try setup.golden.floats("gradients/" + entry.name)
            expectClose(gradients[entry.range].array, expected, within: 5e-5, entry.name)
        }
    }

    @Test(arguments: files)
    func tenAdamWStepsMatch(file: String, usesBiases: Bool) throws {
        let setup = try Setup(file, usesBiases: usesBiases)
        let (model, golden) = (setup.model, setup.golden)
        let gradients = FloatArena(count: model.layout.count).all
        let first = FloatArena(count: model.layout.count).all
        let second = FloatArena(count: model.layout.count).all
        let losses = try golden.floats("adamw/losses")
        let norms = try golden.floats("adamw/gradient_norms")
        for step in 1...10 {
            let loss = setup.evaluate(into: gradients)
            #expect(abs(loss - Double(losses[step - 1])) < 5e-5)
            let norm = Reduction.sumOfSquares(gradients).squareRoot()
            #expect(abs(norm - Double(norms[step - 1])) < 1e-4 * norm)
            for entry in model.layout.entries {
                AdamW.update(
                    parameters: setup.parameters[entry.range], gradients: gradients[entry.range],
                    firstMoment: first[entry.range], secondMoment: second[entry.range], learningRate: 1e-3,
                    beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: entry.decays ? 0.1 : 0,
                    gradientScale: Float(min(1, 1 / (norm + 1e-6))), step: step)
            }
        }
        for entry in model.layout.entries {
            var found = setup.parameters[entry.range].array
            var expected = try golden.floats("adamw/weights/" + entry.name)
            if entry.name.hasSuffix("attn.c_attn.bias") {
                // The keys' bias has no gradient but rounding noise, which AdamW magnifies.
                found.removeSubrange(32..<64)
                expected.removeSubrange(32..<64)
            }
            expectClose(found, expected, within: 1e-4, entry.name)
        }
    }
}

/// Expects each element within `tolerance` times the largest expected magnitude, at least 1e-3 of which counts.
func expectClose(
    _ found: [Float], _ expected: [Float], within tolerance: Float, _ name: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.count == expected.count, "\(name)", sourceLocation: sourceLocation)
    let scale = max(expected.map(abs).max() ?? 0, 1e-3)
    let worst = zip(found, expected).map { $0.isFinite ? abs($0 - $1) / scale : .infinity }.max() ?? 0
    #expect(worst <= tolerance, "\(name): off by \(worst) of \(scale)", sourceLocation: sourceLocation)
}
