import LanguageModel
import Tasks

/// One rollout: a problem, what the policy wrote, and what it earned.
struct Episode: Sendable {
    /// The problem.
    let problem: AdditionProblem
    /// The prompt's tokens.
    let prompt: [Int32]
    /// The actions, [T].
    let completion: [Int32]
    /// How it ended.
    let outcome: Outcome
    /// What the last action earned; all others earned 0.
    let reward: Float

    /// The number of states, one before each action: T.
    var stateCount: Int { completion.count }

    /// The row of the model's output that belongs to state `t`, in the sequence of ``inputs``.
    func row(ofState t: Int) -> Int { prompt.count - 1 + t }

    /// The tokens that the model has to see for the first `stateCount` states.
    func inputs(stateCount: Int) -> [Int32] { prompt + completion.prefix(max(0, stateCount - 1)) }

    /// After each action, [T].
    var rewards: [Float] { completion.indices.map { $0 == completion.count - 1 ? reward : 0 } }
}
