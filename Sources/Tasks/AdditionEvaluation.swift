public import LanguageModel

/// What a model answered to a sample of additions.
public struct AdditionEvaluation: Sendable {
    /// One problem and what the model wrote.
    public struct Example: Sendable {
        /// The problem.
        public let problem: AdditionProblem
        /// The tokens after the prompt, with their log-probabilities.
        public let completion: Completion
        /// Whether the answer is right, wrong or cut off.
        public let outcome: Outcome
    }

    /// The problems' set-up.
    public let setup: AdditionSetup
    /// 0 for greedy decoding.
    public let temperature: Float
    /// All examples, in the order of their random streams.
    public let examples: [Example]
    /// The share of right answers.
    public let accuracy: Accuracy

    /// The share of answers that the length limit cut off.
    public var unfinishedShare: Double {
        examples.isEmpty ? 0 : Double(examples.count { $0.outcome == .unfinished }) / Double(examples.count)
    }

    /// Lets a model answer problems of a set-up.
    ///
    /// Problems, sampling and the interval depend on `seed` and `step` only, so that two models are asked the
    /// same questions.
    ///
    /// - Parameters:
    ///   - maximumNewTokenCount: The length at which an answer is cut off; by default
    ///     ``AdditionTask/episodeLengthLimit(digits:)``. The context's end cuts an answer off in any case.
    /// - Throws: ``ModelError`` where a prompt does not fit the model or its logits are not numbers.
    public init(
        setup: AdditionSetup, exampleCount: Int, task: AdditionTask, generator: Generator,
        sampling: SamplingOptions, seed: UInt64, step: UInt64 = 0, maximumNewTokenCount: Int? = nil
    ) throws(ModelError) {
        let problems = setup.problems(
            count: exampleCount, key: RandomStream.Key(seed: seed, purpose: .evaluationPrompts, step: step))
        let limit = maximumNewTokenCount ?? AdditionTask.episodeLengthLimit(digits: setup.maximumDigits)
        let completions = try generator.generate(
            problems.enumerated().map { index, problem in
                GenerationRequest(
                    prompt: task.prompt(of: problem), sample: UInt64(index), maximumNewTokenCount: limit)
            },
            sampling: sampling,
            stream: RandomStream.Key(seed: seed, purpose: .evaluationTokens, step: step),
            stop: { task.isComplete($0) })
        self.setup = setup
        temperature = sampling.temperature
        examples = zip(problems, completions).map { problem, completion in
            Example(
                problem: problem, completion: completion,
                outcome: task.outcome(of: completion.tokens, for: problem))
        }
        accuracy = Accuracy(examples.map { $0.outcome == .correct }, seed: seed)
    }
}

extension AdditionTask {
    /// Where an episode is cut off: the longest right answer and 100 tokens more, as in the paper's code.
    public static func episodeLengthLimit(digits: Int) -> Int { maximumAnswerLength(digits: digits) + 100 }
}
