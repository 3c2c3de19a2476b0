import Kernels
import LanguageModel
import Tasks
import Testing
import Training

/// The whole update, through model and critic, against finite differences of the loss that it reports.
@Suite("Policy update")
struct PolicyUpdateTests {
    private static let temperature: Float = 1.3
    private let configuration: FineTuningConfiguration
    private let networks: PolicyNetworks
    private let update: PolicyUpdate
    private let collect: AnnotatedEpisodes
    private let advantages: Advantages
    private let minibatch: Minibatch

    init() throws {
        configuration = try ConfigurationLoader.load(
            yaml: nil, overrides: ["execution.tokens_per_shard=60", "execution.gradient_lanes=2"])
        let task = AdditionTask(vocabulary: .task)
        let model = try GPT(
            ModelConfiguration(
                vocabularySize: 40, contextLength: 64, layerCount: 2, headCount: 2, embeddingSize: 16))
        let policy = ParameterGroup(layout: model.layout, laneCount: 2)
        // Weights that are not tiny, so that every path has a gradient.
        model.initialise(policy.parameters, seed: 3)
        Reduction.scale(policy.parameters, by: 3)
        let reference = FloatArena(count: model.layout.count).all
        model.initialise(reference, seed: 4)
        let critic = Critic(inputSize: 16, hiddenSizes: [8])
        let criticGroup = ParameterGroup(layout: critic.layout, laneCount: 2)
        critic.initialise(criticGroup.parameters, seed: 3)
        networks = PolicyNetworks(
            model: model, policy: policy, value: ValueNetwork(critic: critic, group: criticGroup),
            reference: reference, pool: WorkerPool(workerCount: 2),
            tokensPerShard: configuration.execution.tokensPerShard)
        let loss = PolicyLoss(
            temperature: Self.temperature, entropyCoefficient: 0.2, penaltyCoefficient: 0.7, estimator: .k2,
            weight: .prioritised(certainty: .negentropy, beta: 0.5, intercept: 0))
        update = PolicyUpdate(
            networks: networks, loss: loss, valueCoefficient: 0.4, detachesHidden: false,
            execution: configuration.execution,
            optimizer: Optimizer(groups: [policy, criticGroup], settings: configuration.optimizer))
        let episodes = try ["1+2", "7+8", "30+4"].enumerated().map { index, text in
            let problem = try AdditionProblem(text)
            let completion = Array(task.answer(of: problem).prefix(9 + 2 * index))
            return Episode(
                problem: problem, prompt: task.prompt(of: problem), completion: completion,
                logProbs: completion.map { _ in 0 }, outcome: .wrong, reward: index == 1 ? 1 : -1)
        }
        let annotator = EpisodeAnnotator(
            networks: networks, loss: loss, task: task, trainedDigits: 1, execution: configuration.execution)
        let collect = annotator.annotate(episodes)
        self.collect = collect
        advantages = Advantages(
            joining: episodes.indices.map {
                Advantages(
                    rewards: episodes[$0].rewards, values: collect.values(ofEpisode: $0), discount: 1, lambda: 0.95)
            })
        minibatch = Minibatch(
            parts: [
                Minibatch.Part(episode: 0, states: Array(0..<9)), Minibatch.Part(episode: 1, states: [2, 7]),
                Minibatch.Part(episode: 2, states: Array(0..<13)),
            ])
    }

    /// The gradients of policy and critic, lanes added up, and the loss; the lanes are zeroed.
    private func evaluate(_ other: PolicyUpdate? = nil) -> (gradients: [[Float]], loss: Double) {
        let update = other ?? update
        let sums = update.accumulate(minibatch, of: collect, advantages: advantages).sums
        let gradients = networks.groups.map { group in
            let total = FloatArena(count: group.layout.count).all
            for lane in group.laneGradients {
                Reduction.add(into: total, from: lane)
                lane.fill(0)
            }
            return total.array
        }
        let loss = sums.reduce(0.0) {
            $0 + $1.actor - Double(update.loss.entropyCoefficient) * $1.entropy
                + Double(update.valueCoefficient) * $1.value + Double(update.loss.penaltyCoefficient) * $1.penalty
        }
        return (gradients, loss / Double(minibatch.stateCount))
    }

    @Test("Along random directions the gradient is the loss's slope, for policy and critic")
    func slopes() {
        checkSlopes(of: update, networks.groups)
    }

    @Test("The clipped ratio without a critic has the slope of its loss too")
    func ratioSlopes() {
        var loss = update.loss
        loss.clipRange = 0.2
        let policyOnly = PolicyNetworks(
            model: networks.model, policy: networks.policy, value: nil, reference: networks.reference,
            pool: WorkerPool(workerCount: 2), tokensPerShard: configuration.execution.tokensPerShard)
        let ratio = PolicyUpdate(
            networks: policyOnly, loss: loss, valueCoefficient: 0.4, detachesHidden: false,
            execution: configuration.execution,
            optimizer: Optimizer(groups: policyOnly.groups, settings: configuration.optimizer))
        checkSlopes(of: ratio, policyOnly.groups)
    }

    private func checkSlopes(of update: PolicyUpdate, _ groups: [ParameterGroup]) {
        let gradients = evaluate(update).gradients
        for (group, gradient) in zip(groups, gradients) {
            for direction in 0..<4 {
                var stream = RandomStream(RandomStream.Key(seed: 1, purpose: .minibatches), sample: UInt64(direction))
                let original = group.parameters.array
                let signs = original.map { _ in stream.next() >> 63 == 0 ? Float(1) : -1 }
                let slope = zip(gradient, signs).reduce(0.0) { $0 + Double($1.0 * $1.1) }
                let step: Float = 3e-5
                group.parameters.copy(from: zip(original, signs).map { $0 + step * $1 })
                let above = evaluate(update).loss
                group.parameters.copy(from: zip(original, signs).map { $0 - step * $1 })
                let below = evaluate(update).loss
                group.parameters.copy(from: original)
                let difference = (above - below) / Double(2 * step)
                #expect(abs(slope - difference) < 0.02 * max(abs(slope), 0.5), "\(slope) \(difference)")
            }
        }
    }

    @Test("One step raises the probability of actions with a positive advantage")
    func direction() throws {
        var favourable = advantages
        favourable.advantages = favourable.advantages.map { _ in 1 }
        let whole = Minibatch(
            parts: collect.episodes.indices.map {
                Minibatch.Part(episode: $0, states: Array(0..<collect.episodes[$0].stateCount))
            })
        var actors: [Double] = []
        for number in 1...5 {
            let figures = try update.apply(
                whole, of: collect, advantages: favourable, learningRate: 1e-3, update: number, step: number)
            actors.append(figures.actor)
        }
        #expect(zip(actors, actors.dropFirst()).allSatisfy { $0 > $1 }, "mean −ln π(a): \(actors)")
    }
}
