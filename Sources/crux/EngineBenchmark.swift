internal import Kernels
internal import LanguageModel
internal import Training

/// Measures training steps and generation of a model of one of the shapes that are also measured in PyTorch (Benchmarks/peers).
struct EngineBenchmark {
    /// A model's size and how much of it goes into a step.
    struct Shape {
        let name: String
        let layerCount: Int
        let embeddingSize: Int
        let headCount: Int
        let contextLength: Int
        let sequenceCount: Int

        static let all = [
            Shape(
                name: "A", layerCount: 4, embeddingSize: 128, headCount: 4, contextLength: 128, sequenceCount: 32),
            Shape(
                name: "B", layerCount: 6, embeddingSize: 256, headCount: 8, contextLength: 128, sequenceCount: 32),
            Shape(
                name: "C", layerCount: 12, embeddingSize: 768, headCount: 12, contextLength: 256, sequenceCount: 4),
        ]
    }

    /// What was measured, in the words of the peers' scripts.
    struct Result: Encodable {
        var schemaVersion = 1
        let task: String
        let shape: String
        let threads: Int
        let steps: Int
        let batch: Int
        let parameters: Int
        let millisecondsPerStep: Double
        let tokensPerSecond: Double
    }

    private static let vocabularySize = 96
    private static let promptLength = 16
    private static let tokensPerShard = 512
    private static let laneCount = 8

    let shape: Shape
    let stepCount: Int
    let pool: WorkerPool
    private let model: GPT

    init(_ shape: Shape, stepCount: Int, pool: WorkerPool) throws(ModelError) {
        self.shape = shape
        self.stepCount = stepCount
        self.pool = pool
        model = try GPT(
            ModelConfiguration(
                vocabularySize: Self.vocabularySize, contextLength: shape.contextLength,
                layerCount: shape.layerCount, headCount: shape.headCount, embeddingSize: shape.embeddingSize))
    }

    /// Whole steps on random tokens: forward, loss, backward, sum of the lanes, clipping, AdamW.
    func train() throws -> Result {
        let shards = MicroShards(
            sequenceLengths: Array(repeating: shape.contextLength, count: shape.sequenceCount),
            tokensPerShard: Self.tokensPerShard, laneCount: Self.laneCount)
        let group = ParameterGroup(layout: model.layout, laneCount: shards.laneCount)
        model.initialise(group.parameters, seed: 1)
        let optimizer = Optimizer(groups: [group], settings: PretrainingConfiguration().optimizer)
        let workspaces = (0..<pool.workerCount).map { _ in
            model.makeWorkspace(
                maximumTokenCount: max(Self.tokensPerShard, shape.contextLength),
                maximumSequenceLength: shape.contextLength, forTraining: true)
        }
        let tokenCount = shape.sequenceCount * shape.contextLength
        let seconds = try measure { step in
            let texts = texts(step: step, length: shape.contextLength + 1, count: shape.sequenceCount)
            shards.run(on: pool) { [model] shard, lane, worker in
                var batch = PackedBatch()
                var targets: [Int32] = []
                for text in texts[shards.ranges[shard]] {
                    batch.append(text.dropLast())
                    targets += text.dropFirst()
                }
                let workspace = workspaces[worker]
                model.forward(batch, parameters: group.parameters, workspace: workspace)
                _ = CrossEntropy.evaluate(
                    logits: workspace.logits, targets: targets, scale: 1 / Float(tokenCount),
                    gradient: workspace.logitsGradient)
                model.backward(
                    batch, parameters: group.parameters, gradients: group.laneGradients[lane], workspace: workspace)
            }
            _ = try optimizer.apply(
                usedLaneCount: shards.laneCount, learningRate: 1e-3, update: step, step: step, pool: pool)
        }
        return result("train", seconds, batch: shape.sequenceCount, tokensPerStep: tokenCount)
    }

    /// Whole contexts from prompts of 16 tokens, sampled at temperature 1; counts generated tokens only.
    func generate(batch: Int) throws -> Result {
        let parameters = FloatArena(count: model.layout.count).all
        model.initialise(parameters, seed: 1)
        let generator = Generator(model: model, parameters: parameters, pool: pool)
        let newTokenCount = shape.contextLength - Self.promptLength
        let seconds = try measure { step in
            let requests = texts(step: step, length: Self.promptLength, count: batch).enumerated().map { index, text in
                GenerationRequest(prompt: text, sample: UInt64(index), maximumNewTokenCount: newTokenCount)
            }
            _ = try generator.generate(
                requests, sampling: SamplingOptions(),
                stream: RandomStream.Key(seed: 1, purpose: .generation, step: UInt64(step))
            ) { _ in false }
        }
        return result("generate", seconds, batch: batch, tokensPerStep: batch * newTokenCount)
    }

    private func texts(step: Int, length: Int, count: Int) -> [[Int32]] {
        var stream = RandomStream(RandomStream.Key(seed: 1, purpose: .pretrainingExamples, step: UInt64(step)))
        return (0..<count).map { _ in
            (0..<length).map { _ in Int32(stream.next() % UInt64(Self.vocabularySize)) }
        }
    }

    /// The median duration of the steps, after one to warm up.
    private func measure(_ body: (_ step: Int) throws -> Void) rethrows -> Double {
        var seconds: [Double] = []
        for step in 1...(stepCount + 1) {
            let duration = try ContinuousClock().measure { try body(step) }
            if step > 1 { seconds.append(duration / .seconds(1)) }
        }
        return seconds.sorted()[seconds.count / 2]
    }

    private func result(_ task: String, _ seconds: Double, batch: Int, tokensPerStep: Int) -> Result {
        Result(
            task: task, shape: shape.name, threads: pool.workerCount, steps: stepCount, batch: batch,
            parameters: model.layout.count, millisecondsPerStep: 1e3 * seconds,
            tokensPerSecond: Double(tokensPerStep) / seconds)
    }
}
