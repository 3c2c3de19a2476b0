internal import Kernels
internal import LanguageModel
internal import Synchronization
internal import Tasks

extension KLMeasurement {
    /// The problems that an input stands for; none for prompts and texts.
    static func problems(_ input: KLInput, _ options: Options) -> [AdditionProblem] {
        guard case .additions(let additions) = input else { return [] }
        return additions.setup.problems(
            count: additions.count, key: RandomStream.Key(seed: options.seed, purpose: .analysisPrompts))
    }

    /// Texts that a model writes, in its own tokens.
    static func written(
        by model: LoadedModel, _ input: KLInput, _ source: TextSource, _ options: Options, contextLength: Int,
        pool: WorkerPool, progress: @escaping Progress
    ) throws(AnalysisError) -> [ScorableSequence] {
        let isGreedy = source == .policyGreedy || source == .referenceGreedy
        let sampling = isGreedy ? SamplingOptions.greedy : SamplingOptions(temperature: options.temperature)
        let stream = RandomStream.Key(seed: options.seed, purpose: .analysisTokens)
        switch input {
        case .additions(let additions):
            let task = try model.additionTask()
            let problems = problems(input, options)
            let completions = try additionCompletions(
                of: problems, by: model, task: task, digits: additions.setup.maximumDigits,
                contextLength: contextLength, sampling: sampling, stream: stream, pool: pool,
                name: "\(additions.setup)", progress: progress)
            return zip(problems, completions).map { problem, completion in
                sequence(completion, of: problem, task: task, trainedDigits: additions.trainedDigits)
            }
        case .prompts(let file, let continuation):
            let prompts = try tokens(of: file, model, contextLength: contextLength)
            let stop = try continuation.stopText.map { text throws(AnalysisError) in
                try encode(text, model, name: "the text that ends a continuation")
            }
            let completions = try generate(
                prompts.enumerated().map { index, prompt in
                    GenerationRequest(
                        prompt: prompt, sample: UInt64(index),
                        maximumNewTokenCount: min(continuation.maximumTokenCount, contextLength - prompt.count))
                }, by: model, sampling: sampling, stream: stream, pool: pool, progress: progress
            ) { completion in stop.map { completion.suffix($0.count).elementsEqual($0) } ?? false }
            return zip(prompts, completions).map { prompt, completion in
                ScorableSequence(
                    tokens: prompt + completion, scored: prompt.count..<(prompt.count + completion.count))
            }
        case .text:
            return []
        }
    }

    /// Answers to additions, without their prompts.
    static func additionCompletions(
        of problems: [AdditionProblem], by model: LoadedModel, task: AdditionTask, digits: Int, contextLength: Int,
        sampling: SamplingOptions, stream: RandomStream.Key, pool: WorkerPool, name: String,
        progress: @escaping Progress
    ) throws(AnalysisError) -> [[Int32]] {
        try checkPrompts(digits: digits, contextLength: contextLength, name: name)
        let limit = AdditionTask.episodeLengthLimit(digits: digits)
        return try generate(
            problems.enumerated().map { index, problem in
                let prompt = task.prompt(of: problem)
                return GenerationRequest(
                    prompt: prompt, sample: UInt64(index),
                    maximumNewTokenCount: min(limit, contextLength - prompt.count))
            }, by: model, sampling: sampling, stream: stream, pool: pool, progress: progress
        ) { task.isComplete($0) }
    }

    /// The scorable sequence of an answer to a problem, with its labels.
    static func sequence(
        _ completion: [Int32], of problem: AdditionProblem, task: AdditionTask, trainedDigits: Int
    ) -> ScorableSequence {
        let prompt = task.prompt(of: problem)
        let labels = task.criticalTokens(in: completion, of: problem, trainedDigits: trainedDigits)
        return ScorableSequence(
            tokens: prompt + completion, scored: prompt.count..<(prompt.count + completion.count),
            critical: Dictionary(
                labels.map { (prompt.count + $0.critical.position, $0) }, uniquingKeysWith: { first, _ in first }),
            places: task.scratchpadPlaces(in: completion),
            outcome: task.outcome(of: completion, for: problem).rawValue)
    }

    /// Texts that are there already, in the reference's tokens.
    static func given(
        by input: KLInput, _ reference: LoadedModel, _ options: Options
    ) throws(AnalysisError) -> [ScorableSequence] {
        let contextLength = reference.model.configuration.contextLength
        switch input {
        case .additions(let additions):
            let task = try reference.additionTask()
            try reference.checkContext(holdsDigits: additions.setup.maximumDigits)
            return problems(input, options).map { problem in
                sequence(task.answer(of: problem), of: problem, task: task, trainedDigits: additions.trainedDigits)
            }
        case .prompts(let file, _):
            let prompts = try tokens(of: file, reference, contextLength: contextLength)
            var sequences: [ScorableSequence] = []
            for (prompt, tokens) in zip(file.prompts, prompts) {
                let place = "\(file.name): line \(prompt.line)"
                guard let completion = prompt.completion else {
                    throw .unsuitable(
                        subject: place, found: "no completion",
                        expected: "one, as the truth is to be read; or a source that writes it")
                }
                let right = try encode(completion, reference, name: "\(place): completion")
                guard tokens.count + right.count <= contextLength else {
                    throw .unsuitable(
                        subject: place, found: "\(tokens.count + right.count) tokens with the completion",
                        expected: "at most \(contextLength), the context length of \(reference.identity.path)")
                }
                sequences.append(
                    ScorableSequence(
                        tokens: tokens + right, scored: tokens.count..<(tokens.count + right.count)))
            }
            return sequences
        case .text(_, let name):
            let tokens = try tokens(input, reference)
            guard tokens.count >= 2 else {
                throw .unsuitable(
                    subject: name, found: "\(tokens.count) tokens",
                    expected: "at least 2: the first is only context")
            }
            return windows(of: tokens, contextLength: contextLength)
        }
    }

    /// The tokens of a text.
    static func tokens(_ input: KLInput, _ model: LoadedModel) throws(AnalysisError) -> [Int32] {
        guard case .text(let text, let name) = input else { return [] }
        return try encode(text, model, name: name)
    }

    /// Overlapping windows of at least two tokens whose scored parts cover every token but the first, once: they start
    /// half a context apart, so that each token but those of the first window has at least half a context before it.
    static func windows(of tokens: [Int32], contextLength: Int) -> [ScorableSequence] {
        let length = max(2, contextLength)
        var windows: [ScorableSequence] = []
        var scoredEnd = 1
        while scoredEnd < tokens.count {
            let end = min(tokens.count, windows.isEmpty ? length : scoredEnd + (length - length / 2))
            let start = max(0, end - length)
            windows.append(
                ScorableSequence(tokens: Array(tokens[start..<end]), scored: (scoredEnd - start)..<(end - start)))
            scoredEnd = end
        }
        return windows
    }

    private static func checkPrompts(digits: Int, contextLength: Int, name: String) throws(AnalysisError) {
        let length = AdditionTask.maximumPromptLength(digits: digits)
        guard length < contextLength else {
            throw .unsuitable(
                subject: name, found: "prompts of up to \(length) tokens",
                expected: "fewer than \(contextLength), the models' context length")
        }
    }

    private static func tokens(
        of file: PromptFile, _ model: LoadedModel, contextLength: Int
    ) throws(AnalysisError) -> [[Int32]] {
        var prompts: [[Int32]] = []
        for prompt in file.prompts {
            let place = "\(file.name): line \(prompt.line)"
            let tokens = try encode(prompt.text, model, name: "\(place): prompt")
            guard tokens.count < contextLength else {
                throw .unsuitable(
                    subject: place, found: "a prompt of \(tokens.count) tokens",
                    expected: "fewer than \(contextLength), the models' context length")
            }
            prompts.append(tokens)
        }
        return prompts
    }

    private static func encode(_ text: String, _ model: LoadedModel, name: String) throws(AnalysisError) -> [Int32] {
        do throws(ModelError) {
            return try model.tokenizer.encode(text)
        } catch {
            throw .model(error, subject: name)
        }
    }

    private static func generate(
        _ requests: [GenerationRequest], by model: LoadedModel, sampling: SamplingOptions, stream: RandomStream.Key,
        pool: WorkerPool, progress: @escaping Progress, stop: @escaping @Sendable ([Int32]) -> Bool
    ) throws(AnalysisError) -> [[Int32]] {
        let counter = ProgressCounter()
        do throws(ModelError) {
            return try Generator(model: model.model, parameters: model.parameters, pool: pool)
                .generate(requests, sampling: sampling, stream: stream) { completion in
                    guard stop(completion) else { return false }
                    progress(.writing, counter.add(1), requests.count)
                    return true
                }.map(\.tokens)
        } catch {
            throw .model(error, subject: model.identity.path)
        }
    }
}
