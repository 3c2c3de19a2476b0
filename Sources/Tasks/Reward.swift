/// What an episode earns at its last token; every token before it earns 0.
public enum RewardRule: String, CaseIterable, Codable, Hashable, Sendable {
    /// 1 for the right result, else 0.
    case paper
    /// +1 for the right result, else −1, also where the length limit cut the episode off.
    case referenceCode = "reference-code"
    /// +1 for the right result, −1 for a wrong one, 0 where the length limit cut the episode off.
    case ternary

    /// The reward of an outcome.
    public func reward(for outcome: Outcome) -> Float {
        switch (self, outcome) {
        case (_, .correct): 1
        case (.paper, _), (.ternary, .unfinished): 0
        case (.referenceCode, _), (.ternary, .wrong): -1
        }
    }
}

/// How an episode ended.
public enum Outcome: String, CaseIterable, Codable, Hashable, Sendable {
    /// The result line is exactly right.
    case correct
    /// There is a result line, and it is wrong.
    case wrong
    /// The length limit came first.
    case unfinished
}

extension AdditionTask {
    /// How a completion ended.
    public func outcome(of completion: [Int32], for problem: AdditionProblem) -> Outcome {
        guard isComplete(completion) else { return .unfinished }
        return isCorrect(completion, for: problem) ? .correct : .wrong
    }
}
