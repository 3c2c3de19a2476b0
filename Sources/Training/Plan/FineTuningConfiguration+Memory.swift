import LanguageModel
import Tasks

extension FineTuningConfiguration {
    /// The critic that goes with a model; nil where the algorithm has none.
    func makeCritic(for gpt: GPT) -> LanguageModel.Critic? {
        guard loss.algorithm.usesCritic else { return nil }
        return LanguageModel.Critic(inputSize: gpt.configuration.embeddingSize, hiddenSizes: critic.hiddenSizes)
    }

    /// The tokens after which an episode is cut off.
    func maximumEpisodeLength(trainedDigits: Int) -> Int {
        rollout.maximumLength ?? AdditionTask.episodeLengthLimit(digits: trainedDigits + task.additionalDigits)
    }

    /// The memory of a run of this configuration, by part.
    func memoryPlan(_ gpt: GPT, trainedDigits: Int) -> MemoryPlan {
        let workerCount = Workers.count(workers)
        let rowCount = max(execution.tokensPerShard, gpt.configuration.contextLength)
        let longest = min(maximumEpisodeLength(trainedDigits: trainedDigits), gpt.configuration.contextLength)
        var plan = MemoryPlan()
        plan.add(network: "policy", gpt.layout, configuration: self)
        plan.add("reference", floatCount: gpt.layout.count)
        if let critic = makeCritic(for: gpt) {
            plan.add(network: "critic", critic.layout, configuration: self)
            plan.add(
                "critic: activations", floatCount: 2 * critic.widths.dropFirst().reduce(0, +),
                times: rowCount * workerCount)
        }
        plan.add(activations: gpt.configuration, rowCount: rowCount, workerCount: workerCount)
        plan.add(
            "rollouts: log probabilities of the reference",
            floatCount: rollout.episodesPerCollect * longest, times: gpt.configuration.vocabularySize)
        let digits = trainedDigits + task.additionalDigits
        plan.add(
            "generation",
            byteCount: Generator.byteCount(
                gpt, requestCount: rollout.episodesPerCollect,
                promptLength: AdditionTask.maximumPromptLength(digits: digits), newTokenCount: longest,
                workerCount: workerCount))
        return plan
    }
}
