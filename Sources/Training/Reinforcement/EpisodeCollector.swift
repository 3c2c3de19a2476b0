import LanguageModel
import Tasks

/// Lets the policy answer problems: the collects of a run.
struct EpisodeCollector: Sendable {
    let task: AdditionTask
    let setup: AdditionSetup
    let reward: RewardRule
    let episodeCount: Int
    /// Episodes of each problem.
    let groupSize: Int
    let temperature: Float
    let maximumLength: Int
    let seed: UInt64

    /// The episodes of a step, those of a problem side by side: a function of seed, step and the policy.
    ///
    /// - Throws: ``ModelError`` where the policy's logits are not numbers.
    func collect(step: Int, generator: Generator) throws(ModelError) -> [Episode] {
        let problems = setup.problems(
            count: episodeCount / groupSize,
            key: RandomStream.Key(seed: seed, purpose: .rolloutPrompts, step: UInt64(step))
        ).flatMap { Array(repeating: $0, count: groupSize) }
        let prompts = problems.map { task.prompt(of: $0) }
        let completions = try generator.generate(
            prompts.enumerated().map { index, prompt in
                GenerationRequest(prompt: prompt, sample: UInt64(index), maximumNewTokenCount: maximumLength)
            },
            sampling: SamplingOptions(temperature: temperature, topK: nil),
            stream: RandomStream.Key(seed: seed, purpose: .rolloutTokens, step: UInt64(step)),
            stop: { task.isComplete($0) })
        return problems.indices.map { index in
            let outcome = task.outcome(of: completions[index].tokens, for: problems[index])
            return Episode(
                problem: problems[index], prompt: prompts[index], completion: completions[index].tokens,
                logProbs: completions[index].logProbs,
                outcome: outcome, reward: reward.reward(for: outcome))
        }
    }
}
