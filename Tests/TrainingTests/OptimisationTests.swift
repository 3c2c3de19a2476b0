import Kernels
import LanguageModel
import TensorCore
import Testing
import Training

@Suite("Optimisation")
struct OptimisationTests {
    @Test("Warm-up rises linearly to the peak, the cosine falls to the minimum at the last step")
    func schedule() throws {
        let configuration = try ConfigurationLoader.load(
            PretrainingConfiguration.self, yaml: nil,
            overrides: [
                "optimizer.learning_rate=0.1", "optimizer.warmup_steps=10", "optimizer.schedule=cosine",
                "optimizer.minimum_learning_rate=0.02",
            ])
        let schedule = LearningRateSchedule(configuration.optimizer, stepCount: 110)
        #expect(abs(schedule.learningRate(atStep: 1) - 0.01) < 1e-12)
        #expect(abs(schedule.learningRate(atStep: 10) - 0.1) < 1e-12)
        #expect(abs(schedule.learningRate(atStep: 60) - 0.06) < 1e-12)
        #expect(abs(schedule.learningRate(atStep: 110) - 0.02) < 1e-12)
        #expect(abs(schedule.learningRate(atStep: 500) - 0.02) < 1e-12)
        var constant = configuration.optimizer
        constant.schedule = .constant
        #expect(LearningRateSchedule(constant, stepCount: 110).learningRate(atStep: 110) == 0.1)
        var linear = configuration.optimizer
        linear.schedule = .linear
        let line = LearningRateSchedule(linear, stepCount: 110)
        for (step, rate) in [(5, 0.05), (10, 0.1), (35, 0.08), (60, 0.06), (110, 0.02), (200, 0.02)] {
            #expect(abs(line.learningRate(atStep: step) - rate) < 1e-12)
        }
    }

    @Test("Micro-shards hold whole sequences up to their size; a longer one is a shard of its own")
    func microShards() {
        let shards = MicroShards(sequenceLengths: [3, 3, 3, 9, 1, 1], tokensPerShard: 6, laneCount: 3)
        #expect(shards.ranges == [0..<2, 2..<3, 3..<4, 4..<6])
        #expect(shards.laneCount == 3)
        #expect(MicroShards(sequenceLengths: [], tokensPerShard: 6, laneCount: 3).laneCount == 0)
        #expect(MicroShards(sequenceLengths: [50], tokensPerShard: 6, laneCount: 3).laneCount == 1)
    }

    @Test("Minibatches cover every state once, whole, by episodes or by transitions")
    func minibatches() throws {
        func cut(_ overrides: [String]) throws -> [Minibatch] {
            let configuration = try ConfigurationLoader.load(
                FineTuningConfiguration.self, yaml: nil, overrides: overrides)
            var stream = RandomStream(RandomStream.Key(seed: 1, purpose: .minibatches))
            return Minibatch.cut(stateCounts: [3, 1, 4], update: configuration.update, stream: &stream)
        }
        func states(_ minibatches: [Minibatch]) -> [[Int]] {
            minibatches.flatMap(\.parts).flatMap { part in part.states.map { [part.episode, $0] } }
        }
        let whole = try cut([])
        #expect(whole.count == 1)
        #expect(states(whole) == [[0, 0], [0, 1], [0, 2], [1, 0], [2, 0], [2, 1], [2, 2], [2, 3]])
        #expect(try cut(["update.episodes_per_minibatch=2"]).map(\.stateCount) == [4, 4])
        let transitions = try cut(["update.transitions_per_minibatch=3"])
        #expect(transitions.map(\.stateCount) == [3, 3, 2])
        #expect(Set(states(transitions)) == Set(states(whole)))
        #expect(states(transitions) != states(whole))
    }

    /// Two groups whose lanes hold a fixed pattern, after one step with so many workers.
    private func parametersAfterStep(workers: Int) throws -> [Float] {
        let layouts = [
            ParameterLayout([("a.weight", [300, 200]), ("a.bias", [77])]), ParameterLayout([("b.weight", [5, 5])]),
        ]
        let groups = layouts.map { ParameterGroup(layout: $0, laneCount: 3) }
        for (number, group) in groups.enumerated() {
            var stream = RandomStream(RandomStream.Key(seed: 9, purpose: .minibatches), sample: UInt64(number))
            for slice in [group.parameters] + group.laneGradients {
                for index in 0..<slice.count { slice[index] = Float(stream.nextUnit() - 0.5) }
            }
        }
        let settings = try ConfigurationLoader.load(PretrainingConfiguration.self, yaml: nil).optimizer
        let optimizer = Optimizer(groups: groups, settings: settings)
        let norm = try optimizer.apply(
            usedLaneCount: 3, learningRate: 1e-2, update: 1, step: 1, pool: WorkerPool(workerCount: workers))
        #expect(norm > 1)
        #expect(groups.allSatisfy { $0.laneGradients.allSatisfy { $0.array.allSatisfy { $0 == 0 } } })
        return groups.flatMap { $0.parameters.array }
    }

    @Test("A step is the same, bit for bit, with any number of workers")
    func workers() throws {
        let one = try parametersAfterStep(workers: 1)
        for workers in [2, 3, 8] { #expect(try parametersAfterStep(workers: workers) == one) }
    }

    @Test("Clipping scales the gradient of all groups by the one global norm")
    func clipping() throws {
        let groups = [
            ParameterGroup(layout: ParameterLayout([("a.bias", [2])]), laneCount: 2),
            ParameterGroup(layout: ParameterLayout([("b.bias", [1])]), laneCount: 2),
        ]
        // The lanes add up to 2, −1 and 2: norm 3.
        groups[0].laneGradients[0].copy(from: [1.5, -1])
        groups[0].laneGradients[1].copy(from: [0.5, 0])
        groups[1].laneGradients[1].copy(from: [2])
        let settings = try ConfigurationLoader.load(
            PretrainingConfiguration.self, yaml: nil,
            overrides: ["optimizer.gradient_clip=1.5", "optimizer.beta1=0", "optimizer.weight_decay=0"]
        ).optimizer
        let norm = try Optimizer(groups: groups, settings: settings).apply(
            usedLaneCount: 2, learningRate: 1, update: 1, step: 1, pool: WorkerPool(workerCount: 2))
        #expect(abs(norm - 3) < 1e-6)
        // With β1 = 0 the first moment is the clipped gradient.
        let clipped = groups.flatMap { $0.firstMoment.array }
        #expect(zip(clipped, [1, -0.5, 1] as [Float]).allSatisfy { abs($0 - $1) < 1e-5 }, "\(clipped)")
    }

    @Test("Weight decay is for matrices alone, as in nanoGPT")
    func decay() throws {
        let group = ParameterGroup(
            layout: ParameterLayout([("a.weight", [2, 2]), ("a.bias", [2]), ("ln_1.weight", [2])]), laneCount: 1)
        group.parameters.fill(1)
        let settings = try ConfigurationLoader.load(
            PretrainingConfiguration.self, yaml: nil, overrides: ["optimizer.weight_decay=0.5"]
        ).optimizer
        _ = try Optimizer(groups: [group], settings: settings).apply(
            usedLaneCount: 1, learningRate: 0.1, update: 1, step: 1, pool: WorkerPool(workerCount: 1))
        #expect(group.parameters.array == [0.95, 0.95, 0.95, 0.95, 1, 1, 1, 1])
    }

    @Test("A gradient that is not finite stops the run and leaves the parameters alone")
    func notFinite() throws {
        let group = ParameterGroup(
            layout: ParameterLayout([("0.bias", [3]), ("a.weight", [2, 2]), ("b.weight", [2])]), laneCount: 2)
        for index in [4, 7] { group.laneGradients[1][index] = .nan }
        let optimizer = Optimizer(
            groups: [group], settings: try ConfigurationLoader.load(PretrainingConfiguration.self, yaml: nil).optimizer)
        let error = #expect(throws: TrainingError.self) {
            try optimizer.apply(
                usedLaneCount: 2, learningRate: 1, update: 1, step: 12, pool: WorkerPool(workerCount: 1))
        }
        #expect(
            error?.description
                == "step 12: the gradient of 'a.weight' is infinite or not a number; a lower learning rate or gradient clipping may help"
        )
        #expect(group.parameters.array.allSatisfy { $0 == 0 })
        #expect(group.laneGradients.allSatisfy { $0.array.allSatisfy { $0 == 0 } })
    }
}
