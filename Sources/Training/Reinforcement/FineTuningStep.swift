import LanguageModel
import Tasks

/// One step of fine-tuning: collect, annotate, advantages, updates.
struct FineTuningStep: Sendable {
    private let configuration: FineTuningConfiguration
    private let collector: EpisodeCollector
    private let annotator: EpisodeAnnotator
    private let update: PolicyUpdate
    /// Continues prompts with the policy as it is.
    let generator: Generator

    init(
        configuration: FineTuningConfiguration, task: AdditionTask, trainedDigits: Int, networks: PolicyNetworks
    ) {
        self.configuration = configuration
        let setup = configuration.task.setup.problems(
            trainedDigits: trainedDigits, additionalDigits: configuration.task.additionalDigits)
        collector = EpisodeCollector(
            task: task, setup: setup, reward: configuration.task.reward,
            episodeCount: configuration.rollout.episodesPerCollect, groupSize: configuration.rollout.groupSize,
            temperature: Float(configuration.rollout.temperature),
            maximumLength: configuration.rollout.maximumLength
                ?? AdditionTask.episodeLengthLimit(digits: setup.maximumDigits),
            seed: configuration.seed)
        let loss = PolicyLoss(
            temperature: Float(configuration.rollout.temperature),
            clipRange: configuration.loss.algorithm.usesRatio ? Float(configuration.loss.clipRange) : nil,
            entropyCoefficient: Float(configuration.loss.entropyCoefficient),
            penaltyCoefficient: Float(configuration.penalty.coefficient),
            estimator: configuration.penalty.estimator, weight: configuration.penalty.weight)
        annotator = EpisodeAnnotator(
            networks: networks, loss: loss, task: task, trainedDigits: trainedDigits,
            execution: configuration.execution)
        update = PolicyUpdate(
            networks: networks, loss: loss, valueCoefficient: Float(configuration.loss.valueCoefficient),
            detachesHidden: configuration.critic.detachesHidden, execution: configuration.execution,
            optimizer: Optimizer(groups: networks.groups, settings: configuration.optimizer))
        generator = Generator(model: networks.model, parameters: networks.policy.parameters, pool: networks.pool)
    }

    /// Trains the step of that number, from 1.
    ///
    /// - Parameter updateCount: The number of optimiser steps so far, counted on.
    /// - Returns: The step's figures.
    /// - Throws: ``TrainingError`` where loss or gradient are not finite, ``ModelError`` where logits are not.
    func take(_ step: Int, updateCount: inout Int) throws -> MetricsRecord {
        let start = ContinuousClock.now
        let episodes = try collector.collect(step: step, generator: generator)
        let collected = ContinuousClock.now
        let collect = annotator.annotate(episodes)
        var advantages = Advantages(
            of: collect, loss: configuration.loss, groupSize: configuration.rollout.groupSize)
        let rawAdvantages = MeanAndDeviation(advantages.advantages)
        if configuration.loss.normalizeAdvantages { advantages.normalize() }
        let learningRate = LearningRateSchedule(configuration.optimizer, stepCount: configuration.steps)
            .learningRate(atStep: step)
        let figures = try updates(
            step, on: collect, advantages: advantages, learningRate: learningRate, updateCount: &updateCount)
        let updated = ContinuousClock.now

        var record = MetricsRecord(step: step)
        addEpisodeFigures(episodes, to: &record)
        collect.measurements.addFigures(to: &record)
        let count = Double(max(1, figures.reduce(0) { $0 + $1.stateCount }))
        func mean(_ part: (PolicyUpdate.Figures) -> Double) -> Double {
            figures.reduce(0) { $0 + part($1) * Double($1.stateCount) } / count
        }
        record.add("loss_actor", mean(\.actor))
        if configuration.loss.algorithm.usesCritic {
            record.add("loss_value", mean(\.value))
            record.add("value_mean", MeanAndDeviation(collect.values).mean)
        }
        if configuration.loss.algorithm.usesRatio { record.add("clipped_share", mean(\.clipped)) }
        record.add("loss_penalty_\(configuration.penalty.estimator.rawValue)", mean(\.penalty))
        record.add("advantage_mean", rawAdvantages.mean)
        record.add("advantage_deviation", rawAdvantages.deviation)
        record.add("gradient_norm", mean(\.gradientNorm))
        record.add("learning_rate", learningRate)
        record.add("updates", Double(figures.count))
        let tokens = Double(collect.values.count)
        record.add("tokens", tokens)
        record.add("tokens_per_second_collect", tokens / (collected - start).seconds)
        record.add("tokens_per_second_update", tokens / (updated - collected).seconds)
        record.add("tokens_per_second", tokens / (updated - start).seconds)
        return record
    }

    private func updates(
        _ step: Int, on collect: AnnotatedEpisodes, advantages: Advantages, learningRate: Double,
        updateCount: inout Int
    ) throws(TrainingError) -> [PolicyUpdate.Figures] {
        var stream = RandomStream(
            RandomStream.Key(seed: configuration.seed, purpose: .minibatches, step: UInt64(step)))
        var figures: [PolicyUpdate.Figures] = []
        for _ in 0..<configuration.update.passesPerCollect {
            let minibatches = Minibatch.cut(
                stateCounts: collect.episodes.map(\.stateCount), update: configuration.update, stream: &stream)
            for minibatch in minibatches {
                updateCount += 1
                figures.append(
                    try update.apply(
                        minibatch, of: collect, advantages: advantages, learningRate: learningRate,
                        update: updateCount, step: step))
            }
        }
        return figures
    }

    private func addEpisodeFigures(_ episodes: [Episode], to record: inout MetricsRecord) {
        let count = Double(max(1, episodes.count))
        record.add("reward", episodes.reduce(0) { $0 + Double($1.reward) } / count)
        record.add("success_rate", Double(episodes.count { $0.outcome == .correct }) / count)
        record.add("unfinished_rate", Double(episodes.count { $0.outcome == .unfinished }) / count)
        record.add("episode_length", episodes.reduce(0) { $0 + Double($1.stateCount) } / count)
    }
}
