import Kernels
import LanguageModel

/// One optimiser step of actor and critic on a minibatch.
package struct PolicyUpdate: Sendable {
    /// The minibatch's mean losses.
    package struct Figures: Hashable, Sendable {
        package var stateCount = 0
        /// The algorithm's own, ``PolicyLoss``.
        package var actor = 0.0
        /// (return − V)²; 0 without a critic.
        var value = 0.0
        /// w(s) · KL estimate, without α.
        var penalty = 0.0
        /// The share of states whose ratio was clipped.
        var clipped = 0.0
        /// Of policy and critic together, before clipping.
        var gradientNorm = 0.0
    }

    /// One micro-shard's sums.
    package struct Sums: Sendable {
        package var actor = 0.0
        package var entropy = 0.0
        package var value = 0.0
        package var penalty = 0.0
        /// States whose ratio was clipped.
        package var clipped = 0
        /// Where one of them is no number, the first activation that is none.
        var notFinite: String?

        var areFinite: Bool { (actor + entropy + value + penalty).isFinite }
    }

    let networks: PolicyNetworks
    package let loss: PolicyLoss
    package let valueCoefficient: Float
    let detachesHidden: Bool
    let execution: ExecutionConfiguration
    let optimizer: Optimizer

    package init(
        networks: PolicyNetworks, loss: PolicyLoss, valueCoefficient: Float, detachesHidden: Bool,
        execution: ExecutionConfiguration, optimizer: Optimizer
    ) {
        self.networks = networks
        self.loss = loss
        self.valueCoefficient = valueCoefficient
        self.detachesHidden = detachesHidden
        self.execution = execution
        self.optimizer = optimizer
    }

    /// Adds up the minibatch's gradient and takes one step.
    ///
    /// - Parameters:
    ///   - update: The number of this optimiser step, from 1.
    ///   - step: The run's step, for messages.
    /// - Throws: ``TrainingError`` where loss or gradient are not finite.
    package func apply(
        _ minibatch: Minibatch, of collect: AnnotatedEpisodes, advantages: Advantages, learningRate: Double,
        update: Int, step: Int
    ) throws(TrainingError) -> Figures {
        let (shards, sums) = accumulate(minibatch, of: collect, advantages: advantages)
        let total = sums.reduce(into: Sums()) {
            $0.actor += $1.actor
            $0.entropy += $1.entropy
            $0.value += $1.value
            $0.penalty += $1.penalty
            $0.clipped += $1.clipped
            $0.notFinite = $0.notFinite ?? $1.notFinite
        }
        guard total.areFinite else {
            let parameter = networks.groups.lazy.compactMap {
                $0.firstNotFinite(in: $0.parameters)
            }.first
            let source = parameter.map { "the parameter '\($0)'" } ?? total.notFinite
            throw TrainingError(.notFinite(quantity: source ?? "the loss", step: step))
        }
        let norm = try optimizer.apply(
            usedLaneCount: shards.laneCount, learningRate: learningRate, update: update, step: step,
            pool: networks.pool)
        let count = Double(max(1, minibatch.stateCount))
        return Figures(
            stateCount: minibatch.stateCount, actor: total.actor / count, value: total.value / count,
            penalty: total.penalty / count, clipped: Double(total.clipped) / count, gradientNorm: norm)
    }

    /// Adds the minibatch's gradient to the lanes of policy and critic.
    package func accumulate(
        _ minibatch: Minibatch, of collect: AnnotatedEpisodes, advantages: Advantages
    ) -> (shards: MicroShards, sums: [Sums]) {
        let inputs = minibatch.parts.map { part in
            collect.episodes[part.episode].inputs(stateCount: (part.states.last ?? 0) + 1)
        }
        let shards = MicroShards(
            sequenceLengths: inputs.map(\.count), tokensPerShard: execution.tokensPerShard,
            laneCount: execution.gradientLanes)
        let scale = 1 / Float(max(1, minibatch.stateCount))
        let sums = ShardResults<Sums>(count: shards.ranges.count)
        shards.run(on: networks.pool) { shard, lane, worker in
            var batch = PackedBatch()
            for part in shards.ranges[shard] { batch.append(inputs[part]) }
            let result = addGradient(
                batch, minibatch.parts[shards.ranges[shard]], collect, advantages, scale: scale, lane: lane,
                memory: networks.memory[worker])
            sums.set(result, at: shard)
        }
        return (shards, sums.ordered)
    }

    private func addGradient(
        _ batch: PackedBatch, _ parts: ArraySlice<Minibatch.Part>, _ collect: AnnotatedEpisodes,
        _ advantages: Advantages, scale: Float, lane: Int, memory: PolicyNetworks.WorkerMemory
    ) -> Sums {
        let workspace = memory.workspace
        let rowCount = batch.tokenCount
        networks.model.forward(batch, parameters: networks.policy.parameters, workspace: workspace)
        let values = networks.forwardCritic(rowCount: rowCount, memory: memory)
        let valueGradients = memory.critic?.valueGradients(rowCount)
        valueGradients?.fill(0)
        workspace.logitsGradient.fill(0)
        workspace.hiddenGradient.fill(0)
        var sums = Sums()
        for (sequence, part) in parts.enumerated() {
            let episode = collect.episodes[part.episode]
            for t in part.states {
                let row = batch.sequenceStarts[sequence] + episode.row(ofState: t)
                let state = collect.firstStates[part.episode] + t
                networks.logSoftmax(
                    networks.row(row, of: workspace.logits), temperature: loss.temperature,
                    into: memory.policyLogProbs)
                let terms = memory.policyLogProbs.withSpan { policy in
                    networks.row(state, of: collect.referenceLogProbs).withSpan { reference in
                        networks.row(row, of: workspace.logitsGradient).withMutableSpan { gradient in
                            loss.addGradient(
                                policy: policy, reference: reference, penaltyWeight: collect.penaltyWeights[state],
                                action: Int(episode.completion[t]), advantage: advantages.advantages[state],
                                oldLogProb: collect.actionLogProbs[state], scale: scale, into: &gradient)
                        }
                    }
                }
                if let values, let valueGradients {
                    let error = values[row] - advantages.returns[state]
                    valueGradients[row] = 2 * valueCoefficient * scale * error
                    sums.value += Double(error) * Double(error)
                }
                sums.actor += terms.actor
                sums.entropy += terms.entropy
                sums.penalty += terms.penalty
                sums.clipped += terms.isClipped ? 1 : 0
            }
        }
        if !sums.areFinite { sums.notFinite = workspace.firstNotFinite }
        if let value = networks.value, let critic = memory.critic {
            value.critic.backward(
                hidden: workspace.hidden, rowCount: rowCount, parameters: value.group.parameters,
                gradients: value.group.laneGradients[lane], workspace: critic,
                hiddenGradient: detachesHidden ? nil : workspace.hiddenGradient)
        }
        networks.model.backward(
            batch, parameters: networks.policy.parameters, gradients: networks.policy.laneGradients[lane],
            workspace: workspace)
        return sums
    }
}
