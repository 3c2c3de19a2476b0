package import Tasks

/// One rollout: a problem, what the policy wrote, and what it earned.
package struct Episode: Sendable {
    /// The problem.
    package let problem: AdditionProblem
    /// The prompt's tokens.
    package let prompt: [Int32]
    /// The actions, [T].
    package let completion: [Int32]
    /// ln π(a|s) of each action as the rollout computed it, at its temperature, [T].
    package let logProbs: [Float]
    /// How it ended.
    package let outcome: Outcome
    /// What the last action earned; all others earned 0.
    package let reward: Float

    package init(
        problem: AdditionProblem, prompt: [Int32], completion: [Int32], logProbs: [Float], outcome: Outcome,
        reward: Float
    ) {
        self.problem = problem
        self.prompt = prompt
        self.completion = completion
        self.logProbs = logProbs
        self.outcome = outcome
        self.reward = reward
    }

    /// The number of states, one before each action: T.
    package var stateCount: Int { completion.count }

    /// The row of the model's output that belongs to state `t`, in the sequence of ``inputs``.
    package func row(ofState t: Int) -> Int { prompt.count - 1 + t }

    /// The tokens that the model has to see for the first `stateCount` states.
    package func inputs(stateCount: Int) -> [Int32] { prompt + completion.prefix(max(0, stateCount - 1)) }

    /// After each action, [T].
    package var rewards: [Float] { completion.indices.map { $0 == completion.count - 1 ? reward : 0 } }
}
