import Kernels
import LanguageModel

/// One step of pre-training: sequences, micro-shards, gradients, AdamW.
struct PretrainingStep: Sendable {
    private let model: GPT
    private let group: ParameterGroup
    private let optimizer: Optimizer
    private let schedule: LearningRateSchedule
    private let data: PretrainingData
    private let execution: ExecutionConfiguration
    private let pool: WorkerPool
    /// One for each worker.
    private let workspaces: [Workspace]

    init(
        model: GPT, group: ParameterGroup, data: PretrainingData, configuration: PretrainingConfiguration,
        pool: WorkerPool
    ) {
        self.model = model
        self.group = group
        self.data = data
        self.pool = pool
        optimizer = Optimizer(groups: [group], settings: configuration.optimizer)
        schedule = LearningRateSchedule(configuration.optimizer, stepCount: configuration.steps)
        execution = configuration.execution
        let contextLength = configuration.model.contextLength
        workspaces = (0..<pool.workerCount).map { _ in
            model.makeWorkspace(
                maximumTokenCount: max(configuration.execution.tokensPerShard, contextLength),
                maximumSequenceLength: contextLength, forTraining: true)
        }
    }

    /// Trains the step of that number, from 1.
    ///
    /// - Returns: The step's figures.
    /// - Throws: ``TrainingError`` where loss or gradient are not finite.
    func take(_ step: Int) throws(TrainingError) -> MetricsRecord {
        let start = ContinuousClock.now
        let sequences = data.sequences(step: step)
        let shards = MicroShards(
            sequenceLengths: sequences.map(\.tokens.count), tokensPerShard: execution.tokensPerShard,
            laneCount: execution.gradientLanes)
        let targetCount = sequences.reduce(0) { $0 + $1.targets.count { $0 >= 0 } }
        let losses = ShardResults<ShardLoss>(count: shards.ranges.count)
        shards.run(on: pool) { shard, lane, worker in
            let loss = addGradient(
                sequences[shards.ranges[shard]], scale: 1 / Float(max(1, targetCount)), lane: lane,
                workspace: workspaces[worker])
            losses.set(loss, at: shard)
        }
        let ordered = losses.ordered
        let loss = ordered.reduce(0) { $0 + $1.sum } / Double(max(1, targetCount))
        guard loss.isFinite else {
            let source =
                group.firstNotFinite(in: group.parameters).map { "the parameter '\($0)'" }
                ?? ordered.lazy.compactMap(\.notFinite).first
            throw TrainingError(.notFinite(quantity: source ?? "the loss", step: step))
        }
        let learningRate = schedule.learningRate(atStep: step)
        let norm = try optimizer.apply(
            usedLaneCount: shards.laneCount, learningRate: learningRate, update: step, step: step, pool: pool)
        let tokenCount = sequences.reduce(0) { $0 + $1.tokens.count }
        var record = MetricsRecord(step: step)
        record.add("loss", loss)
        record.add("learning_rate", learningRate)
        record.add("gradient_norm", norm)
        record.add("tokens", Double(tokenCount))
        record.add("tokens_per_second", Double(tokenCount) / (ContinuousClock.now - start).seconds)
        return record
    }

    /// What a micro-shard returns.
    private struct ShardLoss {
        /// The sum over its targets.
        let sum: Double
        /// Where the sum is no number, the first activation that is none.
        let notFinite: String?
    }

    /// Adds the gradient of a micro-shard to its lane.
    private func addGradient(
        _ sequences: ArraySlice<TrainingSequence>, scale: Float, lane: Int, workspace: Workspace
    ) -> ShardLoss {
        var batch = PackedBatch()
        for sequence in sequences { batch.append(sequence.tokens, firstPosition: sequence.firstPosition) }
        model.forward(batch, parameters: group.parameters, workspace: workspace)
        let sum = CrossEntropy.evaluate(
            logits: workspace.logits, targets: sequences.flatMap(\.targets), losses: workspace.losses, scale: scale,
            gradient: workspace.logitsGradient)
        let notFinite = sum.loss.isFinite ? nil : workspace.firstNotFinite
        model.backward(
            batch, parameters: group.parameters, gradients: group.laneGradients[lane], workspace: workspace)
        return ShardLoss(sum: sum.loss, notFinite: notFinite)
    }
}
