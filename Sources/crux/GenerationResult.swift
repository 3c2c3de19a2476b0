internal import Analysis
internal import LanguageModel
internal import Rendering
internal import Tasks

/// What a model wrote, as it goes to standard output.
struct GenerationResult: Encodable {
    /// One completion.
    struct Item: Encodable {
        /// Which of the prompt's completions, from 0.
        let sample: Int
        /// The text that was continued.
        let prompt: String
        /// The addition that it asks for; nil for a text.
        let addition: String?
        /// What followed, without the token that ends a text.
        let text: String
        /// The same as tokens.
        let tokens: [Int32]
        /// log π of each token at the sampling temperature (at 1 where greedy), over the whole vocabulary.
        let logProbs: [Float]
        /// Whether the model ended the answer itself; false where the length limit did.
        let isFinished: Bool
        /// `correct`, `wrong` or `unfinished`; nil for a text.
        let outcome: Outcome?
        /// The right result line; nil for a text.
        let expectedResult: String?

        init(
            _ prompt: GenerationPrompt, _ completion: Completion, sample: Int, task: AdditionTask?,
            tokenizer: Tokenizer
        ) {
            self.sample = sample
            self.prompt = prompt.text
            addition = prompt.problem?.description
            let hasEnd = completion.tokens.last != nil && completion.tokens.last == tokenizer.endOfText
            text = tokenizer.decode(completion.tokens.dropLast(hasEnd ? 1 : 0))
            tokens = completion.tokens
            logProbs = completion.logProbs
            isFinished = completion.isFinished
            outcome = prompt.problem.flatMap { task?.outcome(of: completion.tokens, for: $0) }
            expectedResult = prompt.problem?.resultLine
        }
    }

    /// The version of this structure; a change of meaning or a removed field raises it.
    let schemaVersion = 1
    /// The model.
    let checkpoint: CheckpointIdentity
    /// How tokens were chosen.
    let sampling: SamplingOptions
    /// The seed of sampling.
    let seed: UInt64
    /// The seconds that all completions took together.
    let seconds: Double
    /// Generated tokens per second; nil where no time passed.
    let tokensPerSecond: Double?
    /// The completions, those of one prompt together.
    let completions: [Item]

    init(
        checkpoint: CheckpointIdentity, sampling: SamplingOptions, seed: UInt64, seconds: Double, completions: [Item]
    ) {
        self.checkpoint = checkpoint
        self.sampling = sampling
        self.seed = seed
        self.seconds = seconds
        self.completions = completions
        let count = completions.reduce(0) { $0 + $1.tokens.count }
        tokensPerSecond = seconds > 0 ? Double(count) / seconds : nil
    }

    private enum CodingKeys: String, CodingKey {
        case schemaVersion, checkpoint, sampling, seed, seconds, tokensPerSecond, completions
    }

    /// The completions for a terminal: prompt and what followed, with a heading where there are several.
    func text(style: TerminalStyle) -> String {
        let showsSample = completions.contains { $0.sample > 0 }
        return completions.map { item in
            var heading = [item.addition].compactMap(\.self)
            if showsSample { heading.append("sample \(item.sample + 1)") }
            var lines = heading.isEmpty ? [] : [style.paint(heading.joined(separator: ", "), .strong)]
            // A character of the vocabulary may be one that a terminal obeys.
            lines += (item.prompt + item.text).split(separator: "\n", omittingEmptySubsequences: false).map {
                TerminalText.visible(String($0))
            }
            if lines.last == "" { lines.removeLast() }
            if let verdict = item.verdict(style: style) { lines.append(verdict) }
            return lines.joined(separator: "\n") + "\n"
        }.joined(separator: "\n")
    }
}

extension GenerationResult.Item {
    /// Whether the answer is right; nil for a text.
    fileprivate func verdict(style: TerminalStyle) -> String? {
        guard let expectedResult else { return nil }
        switch outcome {
        case .correct: return style.paint("right", .good)
        case .wrong: return style.paint("wrong, expected \(expectedResult)", .bad)
        default: return style.paint("unfinished after \(tokens.count) tokens, expected \(expectedResult)", .bad)
        }
    }
}
