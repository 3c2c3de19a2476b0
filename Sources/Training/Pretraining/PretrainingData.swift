import LanguageModel
package import Tasks

/// One sequence of a pre-training step.
package struct TrainingSequence: Hashable, Sendable {
    /// The tokens that the model sees, [T].
    package var tokens: [Int32]
    /// What it has to predict after each, [T]; −1 is not learned.
    package var targets: [Int32]
    /// The position of the first token in the context.
    package var firstPosition: Int
}

/// The sequences of pre-training: each is a pure function of seed, step and index, so the data cursor of a
/// resumed run is its step.
package struct PretrainingData: Sendable {
    private let task: AdditionTask
    private let configuration: PretrainingConfiguration

    package init(task: AdditionTask, configuration: PretrainingConfiguration) {
        self.task = task
        self.configuration = configuration
    }

    /// All sequences of a step.
    package func sequences(step: Int) -> [TrainingSequence] {
        let key = RandomStream.Key(seed: configuration.seed, purpose: .pretrainingExamples, step: UInt64(step))
        return (0..<configuration.data.examplesPerStep * configuration.data.accumulation).map { index in
            var stream = RandomStream(key, sample: UInt64(index))
            switch configuration.data.placement {
            case .randomOffset: return exampleAtRandomOffset(&stream)
            case .packedStream: return windowOfExamples(&stream)
            }
        }
    }

    private func exampleAtRandomOffset(_ stream: inout RandomStream) -> TrainingSequence {
        let problem = problem(&stream)
        let text = task.prompt(of: problem) + task.answer(of: problem)
        let isLearned = isLearned(problem)
        let count = text.count - 1
        return TrainingSequence(
            tokens: Array(text.dropLast()),
            targets: (1...count).map { isLearned[$0] ? text[$0] : -1 },
            firstPosition: stream.nextInteger(in: 0...(configuration.model.contextLength - count)))
    }

    private func windowOfExamples(_ stream: inout RandomStream) -> TrainingSequence {
        let count = configuration.model.contextLength
        var text: [Int32] = []
        var isLearned: [Bool] = []
        while text.count <= count {
            let problem = problem(&stream)
            let example = task.prompt(of: problem) + task.answer(of: problem)
            let skipped = text.isEmpty ? stream.nextInteger(in: 0...(example.count - 1)) : 0
            text += example.dropFirst(skipped)
            isLearned += self.isLearned(problem).dropFirst(skipped)
        }
        return TrainingSequence(
            tokens: Array(text.prefix(count)), targets: (1...count).map { isLearned[$0] ? text[$0] : -1 },
            firstPosition: 0)
    }

    private func problem(_ stream: inout RandomStream) -> AdditionProblem {
        switch configuration.task.lengths {
        case .independent: AdditionSetup.balanced(maximumDigits: configuration.task.digits).problem(from: &stream)
        case .equal:
            AdditionSetup.fixed(digits: stream.nextInteger(in: 1...configuration.task.digits)).problem(from: &stream)
        }
    }

    /// Whether each token of an example's text is learned.
    private func isLearned(_ problem: AdditionProblem) -> [Bool] {
        let promptCount = problem.prompt.utf8.count
        let isPromptLearned = configuration.data.lossTokens == .everything
        return Array(repeating: isPromptLearned, count: promptCount)
            + Array(repeating: true, count: problem.answer.utf8.count)
    }
}
