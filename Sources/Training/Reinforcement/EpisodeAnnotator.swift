import Kernels
import LanguageModel
package import Tasks

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs reference, policy and critic over a collect before it is learned from.
package struct EpisodeAnnotator: Sendable {
    let networks: PolicyNetworks
    let loss: PolicyLoss
    let task: AdditionTask
    /// N, which decides what is critical.
    let trainedDigits: Int
    let execution: ExecutionConfiguration
    /// Holds the reference's log probabilities of one collect at a time.
    private let referenceLogProbs = GrowingArena()

    package init(
        networks: PolicyNetworks, loss: PolicyLoss, task: AdditionTask, trainedDigits: Int,
        execution: ExecutionConfiguration
    ) {
        self.networks = networks
        self.loss = loss
        self.task = task
        self.trainedDigits = trainedDigits
        self.execution = execution
    }

    /// One micro-shard's part, over its states in order.
    private struct Part: Sendable {
        var penaltyWeights: [Float] = []
        var actionLogProbs: [Float] = []
        var values: [Float] = []
        var measurements = PolicyMeasurements()
    }

    /// What all micro-shards share.
    private struct Collect: Sendable {
        let episodes: [Episode]
        let firstStates: [Int]
        let referenceLogProbs: FloatSlice
    }

    /// Annotates the episodes; the next call overwrites the log probabilities of this one.
    package func annotate(_ episodes: [Episode]) -> AnnotatedEpisodes {
        var firstStates = [0]
        for episode in episodes { firstStates.append(firstStates[firstStates.count - 1] + episode.stateCount) }
        let stateCount = firstStates[firstStates.count - 1]
        let collect = Collect(
            episodes: episodes, firstStates: firstStates,
            referenceLogProbs: referenceLogProbs.prefix(
                stateCount * networks.model.configuration.vocabularySize))
        let inputs = episodes.map { $0.inputs(stateCount: $0.stateCount) }
        let shards = MicroShards(
            sequenceLengths: inputs.map(\.count), tokensPerShard: execution.tokensPerShard,
            laneCount: execution.gradientLanes)
        let parts = ShardResults<Part>(count: shards.ranges.count)
        shards.run(on: networks.pool) { shard, _, worker in
            let range = shards.ranges[shard]
            var batch = PackedBatch()
            for episode in range { batch.append(inputs[episode]) }
            var part = Part()
            readReference(range, batch, collect, into: &part, memory: networks.memory[worker])
            readPolicy(range, batch, collect, into: &part, memory: networks.memory[worker])
            parts.set(part, at: shard)
        }
        let ordered = parts.ordered
        return AnnotatedEpisodes(
            episodes: episodes, firstStates: firstStates, referenceLogProbs: collect.referenceLogProbs,
            penaltyWeights: ordered.flatMap(\.penaltyWeights), actionLogProbs: ordered.flatMap(\.actionLogProbs),
            values: ordered.flatMap(\.values),
            measurements: ordered.reduce(into: PolicyMeasurements()) { $0.add($1.measurements) })
    }

    /// The reference's log probabilities and the penalty's weights.
    private func readReference(
        _ range: Range<Int>, _ batch: PackedBatch, _ collect: Collect, into part: inout Part,
        memory: PolicyNetworks.WorkerMemory
    ) {
        networks.model.forward(batch, parameters: networks.reference, workspace: memory.workspace)
        for (sequence, episode) in range.enumerated() {
            let firstRow = batch.sequenceStarts[sequence] + collect.episodes[episode].row(ofState: 0)
            for t in 0..<collect.episodes[episode].stateCount {
                let logits = networks.row(firstRow + t, of: memory.workspace.logits)
                let logProbs = networks.row(collect.firstStates[episode] + t, of: collect.referenceLogProbs)
                part.penaltyWeights.append(
                    logits.withSpan { loss.weight.value(referenceLogits: $0, temperature: loss.temperature) })
                networks.logSoftmax(logits, temperature: loss.temperature, into: logProbs)
            }
        }
    }

    /// The critic's values and the measurements of the policy against the reference.
    private func readPolicy(
        _ range: Range<Int>, _ batch: PackedBatch, _ collect: Collect, into part: inout Part,
        memory: PolicyNetworks.WorkerMemory
    ) {
        networks.model.forward(batch, parameters: networks.policy.parameters, workspace: memory.workspace)
        let values = networks.forwardCritic(rowCount: batch.tokenCount, memory: memory)
        for (sequence, number) in range.enumerated() {
            let episode = collect.episodes[number]
            let firstRow = batch.sequenceStarts[sequence] + episode.row(ofState: 0)
            for t in 0..<episode.stateCount {
                networks.logSoftmax(
                    networks.row(firstRow + t, of: memory.workspace.logits), temperature: loss.temperature,
                    into: memory.policyLogProbs)
                let weight = part.penaltyWeights[part.values.count]
                part.values.append(values?[firstRow + t] ?? 0)
                part.actionLogProbs.append(memory.policyLogProbs[Int(episode.completion[t])])
                memory.policyLogProbs.withSpan { policy in
                    networks.row(collect.firstStates[number] + t, of: collect.referenceLogProbs).withSpan { reference in
                        part.measurements.add(
                            policy: policy, reference: reference, action: Int(episode.completion[t]),
                            penaltyWeight: weight, rolloutLogProb: episode.logProbs[t])
                    }
                }
            }
            let labels = task.criticalTokens(
                in: episode.completion, of: episode.problem, trainedDigits: trainedDigits)
            for label in labels {
                networks.logSoftmax(
                    networks.row(firstRow + label.critical.position, of: memory.workspace.logits),
                    temperature: loss.temperature, into: memory.policyLogProbs)
                part.measurements.addCritical(
                    label.critical.name, probability: exp(Double(memory.policyLogProbs[Int(label.rightToken)])))
            }
        }
    }
}
