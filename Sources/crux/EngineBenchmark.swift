internal import Foundation
internal import Kernels
internal import LanguageModel
internal import Training

/// Measures training steps and generation of a model of one of the shapes that are also measured in PyTorch
/// (Benchmarks/peers).
struct EngineBenchmark {
    /// A model's size and how much of it goes into a step.
    struct Shape {
        let name: String
        let layerCount: Int
        let embeddingSize: Int
        let headCount: Int
        var contextLength: Int
        var sequenceCount: Int

        static let all = [
            Shape(
                name: "A", layerCount: 4, embeddingSize: 128, headCount: 4, contextLength: 128, sequenceCount: 32),
            Shape(
                name: "B", layerCount: 6, embeddingSize: 256, headCount: 8, contextLength: 128, sequenceCount: 32),
            Shape(
                name: "C", layerCount: 12, embeddingSize: 768, headCount: 12, contextLength: 256, sequenceCount: 4),
        ]
    }

    private static let vocabularySize = 96
    /// The tokens of each prompt.
    static let promptLength = 16
    private static let tokensPerShard = 512
    private static let laneCount = 8

    private let shape: Shape
    private let stepCount: Int
    private let pools: [WorkerPool]
    private let model: GPT

    /// A benchmark of `stepCount` steps with each of the numbers of workers.
    init(_ shape: Shape, stepCount: Int, workerCounts: [Int]) throws(ModelError) {
        self.shape = shape
        self.stepCount = stepCount
        pools = workerCounts.map { WorkerPool(workerCount: $0) }
        model = try GPT(
            ModelConfiguration(
                vocabularySize: Self.vocabularySize, contextLength: shape.contextLength,
                layerCount: shape.layerCount, headCount: shape.headCount, embeddingSize: shape.embeddingSize))
    }

    /// Whole steps on random tokens: forward, loss, backward, sum of the lanes, clipping, AdamW.
    func train() throws -> EngineReport {
        let shards = MicroShards(
            sequenceLengths: Array(repeating: shape.contextLength, count: shape.sequenceCount),
            tokensPerShard: Self.tokensPerShard, laneCount: Self.laneCount)
        let group = ParameterGroup(layout: model.layout, laneCount: shards.laneCount)
        model.initialise(group.parameters, seed: 1)
        let optimizer = Optimizer(groups: [group], settings: PretrainingConfiguration().optimizer)
        let workspaces = (0..<(pools.map(\.workerCount).max() ?? 1)).map { _ in
            model.makeWorkspace(
                maximumTokenCount: max(Self.tokensPerShard, shape.contextLength),
                maximumSequenceLength: shape.contextLength, forTraining: true)
        }
        let tokenCount = shape.sequenceCount * shape.contextLength
        var update = 0
        return try measure("train", batch: shape.sequenceCount, tokensPerStep: tokenCount) { step, pool in
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
                    logits: workspace.logits, targets: targets, losses: workspace.losses,
                    scale: 1 / Float(tokenCount), gradient: workspace.logitsGradient)
                model.backward(
                    batch, parameters: group.parameters, gradients: group.laneGradients[lane], workspace: workspace)
            }
            update += 1
            _ = try optimizer.apply(
                usedLaneCount: shards.laneCount, learningRate: 1e-3, update: update, step: step, pool: pool)
        }
    }

    /// Whole contexts from prompts of 16 tokens, sampled at temperature 1; counts generated tokens only.
    func generate(batch: Int) throws -> EngineReport {
        let parameters = FloatArena(count: model.layout.count).all
        model.initialise(parameters, seed: 1)
        let generators = pools.map { Generator(model: model, parameters: parameters, pool: $0) }
        let newTokenCount = shape.contextLength - Self.promptLength
        return try measure("generate", batch: batch, tokensPerStep: batch * newTokenCount) { step, pool in
            let requests = texts(step: step, length: Self.promptLength, count: batch).enumerated().map { index, text in
                GenerationRequest(prompt: text, sample: UInt64(index), maximumNewTokenCount: newTokenCount)
            }
            for (generator, own) in zip(generators, pools) where own === pool {
                _ = try generator.generate(
                    requests, sampling: SamplingOptions(),
                    stream: RandomStream.Key(seed: 1, purpose: .generation, step: UInt64(step))
                ) { _ in false }
            }
        }
    }

    private func texts(step: Int, length: Int, count: Int) -> [[Int32]] {
        var stream = RandomStream(RandomStream.Key(seed: 1, purpose: .pretrainingExamples, step: UInt64(step)))
        return (0..<count).map { _ in
            (0..<length).map { _ in Int32(stream.next() % UInt64(Self.vocabularySize)) }
        }
    }

    /// Times the steps, the numbers of workers in turns, after one step of each to warm up.
    private func measure(
        _ task: String, batch: Int, tokensPerStep: Int, _ body: (_ step: Int, _ pool: WorkerPool) throws -> Void
    ) rethrows -> EngineReport {
        var seconds = pools.map { _ in [Double]() }
        var processorSeconds = pools.map { _ in [Double]() }
        var allocations = pools.map { _ in 0 }
        for step in 1...(stepCount + 1) {
            for (index, pool) in pools.enumerated() {
                let (processor, allocated) = (ProcessorUse.now.seconds, FloatArena.allocationCount)
                let duration = try ContinuousClock().measure { try body(step, pool) }
                guard step > 1 else { continue }
                seconds[index].append(duration / .seconds(1))
                processorSeconds[index].append(ProcessorUse.now.seconds - processor)
                allocations[index] += FloatArena.allocationCount - allocated
            }
        }
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        let operations = task == "train" ? trainingOperationsPerToken : generationOperationsPerToken
        let results = pools.indices.map { index in
            let median = (wall: median(seconds[index]), processor: median(processorSeconds[index]))
            let rate = Double(tokensPerStep) / median.wall
            let peak = ArithmeticPeak.measure(on: pools[index])
            return EngineReport.Result(
                threads: pools[index].workerCount, millisecondsPerStep: 1e3 * median.wall,
                processorMillisecondsPerStep: 1e3 * median.processor, tokensPerSecond: rate,
                peakOperationsPerSecond: peak, shareOfPeak: rate * operations / peak,
                bufferAllocations: allocations[index])
        }
        return EngineReport(
            task: task, shape: shape.name, steps: stepCount, batch: batch, contextLength: shape.contextLength,
            parameters: model.layout.count, operationsPerToken: operations,
            peakMemoryBytes: ProcessorUse.now.peakMemoryBytes, results: results)
    }

    private var trainingOperationsPerToken: Double {
        model.configuration.trainingOperationsPerToken(sequenceLength: Double(shape.contextLength))
    }

    /// Each token attends to all before it, half the context on average.
    private var generationOperationsPerToken: Double {
        model.configuration.forwardOperationsPerToken(
            attendedTokenCount: Double(Self.promptLength + shape.contextLength) / 2)
    }
}
