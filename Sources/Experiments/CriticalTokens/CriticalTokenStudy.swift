public import Analysis
internal import CheckpointFormat
internal import Codecs
internal import Foundation
public import Kernels
internal import LanguageModel
public import SystemPackage
public import Tasks
public import Training

/// Where a pre-trained model is unsure, and whether those tokens decide the answer (arXiv 2502.06533, sections 3 and 5.1).
///
/// Critical tokens are found twice: by their place in the scratchpad, and without knowing the task, by forcing a token
/// right or wrong and rolling out.
public struct CriticalTokenStudy: Sendable {
    /// What is asked of the model.
    public struct Options: Hashable, Codable, Sendable {
        /// N of pre-training.
        public var trainedDigits: Int
        /// The digits beyond N that are asked.
        public var additionalDigits: Int
        /// Whether both operands have so many digits.
        public var isFixed: Bool
        /// The answers whose certainty is measured; the paper has 50.
        public var generationCount: Int
        /// The problems along whose right answers tokens are forced.
        public var forcedProblemCount: Int
        /// The forced tokens of each problem: all critical ones by place and as many others as there is room for.
        public var forcedTokenCount: Int
        /// Roll-outs after each forced token, right and wrong.
        public var rolloutCount: Int
        /// The temperature of answers, roll-outs and equation 2's certainty.
        public var temperature: Float
        /// The seed of problems and sampling.
        public var seed: UInt64

        /// Options with the paper's 50 answers.
        public init(
            trainedDigits: Int, additionalDigits: Int = 1, isFixed: Bool = false, generationCount: Int = 50,
            forcedProblemCount: Int = 10, forcedTokenCount: Int = 40, rolloutCount: Int = 10, temperature: Float = 1,
            seed: UInt64 = 1
        ) {
            self.trainedDigits = trainedDigits
            self.additionalDigits = additionalDigits
            self.isFixed = isFixed
            self.generationCount = generationCount
            self.forcedProblemCount = forcedProblemCount
            self.forcedTokenCount = forcedTokenCount
            self.rolloutCount = rolloutCount
            self.temperature = temperature
            self.seed = seed
        }

        /// The problems.
        public var setup: AdditionSetup {
            let digits = trainedDigits + additionalDigits
            return isFixed ? .fixed(digits: digits) : .varying(digits: digits)
        }
    }

    /// The figures, and the answers token by token for the coloured scratchpads.
    public struct Outcome: Sendable {
        /// All figures.
        public let result: CriticalTokenResult
        /// The answers, token by token, of the model compared with itself.
        public let answers: PolicyDivergence
    }

    private let model: LoadedModel
    private let options: Options
    private let folder: FilePath
    private let pool: WorkerPool
    private let stop: StopFlag
    private let progress: @Sendable (_ done: Int, _ total: Int) -> Void

    /// A study.
    ///
    /// - Parameters:
    ///   - folder: Where the forced tokens of each finished problem are kept, so that none is rolled out twice.
    ///   - stop: When set, the study ends after the problem under way.
    ///   - progress: Called after each problem.
    public init(
        model: LoadedModel, options: Options, folder: FilePath, pool: WorkerPool, stop: StopFlag,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
    ) {
        self.model = model
        self.options = options
        self.folder = folder
        self.pool = pool
        self.stop = stop
        self.progress = progress
    }

    /// Measures what is not there yet, and summarises.
    ///
    /// - Throws: ``ExperimentInterrupted``; `AnalysisError` where the model cannot take the additions.
    public func run() throws -> Outcome {
        let task = try model.additionTask()
        try model.checkContext(holdsDigits: options.setup.maximumDigits)
        let measurement = try KLMeasurement(
            reference: model,
            input: .additions(
                .init(
                    setup: options.setup, count: options.generationCount, trainedDigits: options.trainedDigits)),
            source: .referenceSamples,
            options: KLMeasurement.Options(
                temperature: options.temperature, seed: options.seed, shiftedTokenCount: 0), pool: pool)
        let answers = try measurement.measure(model)
        let forced = try forcedTokens(task)
        return Outcome(
            result: try CriticalTokenResult(
                model: model.identity, options: options, answers: answers, forced: forced, task: task),
            answers: answers)
    }

    // MARK: Forced tokens

    private func forcedTokens(_ task: AdditionTask) throws -> [ForcedToken] {
        let problems = options.setup.problems(
            count: options.forcedProblemCount,
            key: RandomStream.Key(seed: options.seed, purpose: .analysisPrompts, step: 1))
        let kept = folder.appending("forced")
        try FileManager.default.createDirectory(atPath: kept.string, withIntermediateDirectories: true)
        let generator = Generator(model: model.model, parameters: model.parameters, pool: pool)
        var tokens: [ForcedToken] = []
        for (number, problem) in problems.enumerated() {
            let path = kept.appending("problem-\(number + 1).json")
            if let stored = try StoredForcedTokens.read(path), stored.options == options,
                stored.weightsDigest == model.identity.weightsDigest?.hex
            {
                tokens += stored.tokens
            } else {
                if stop.isSet { throw ExperimentInterrupted() }
                let found = try forced(along: problem, number: number, task: task, generator: generator)
                try StoredJSON.write(
                    StoredForcedTokens(
                        options: options, weightsDigest: model.identity.weightsDigest?.hex, tokens: found),
                    to: path)
                tokens += found
            }
            progress(number + 1, problems.count)
        }
        return tokens
    }

    /// Forces tokens along one problem's right answer and rolls out.
    private func forced(
        along problem: AdditionProblem, number: Int, task: AdditionTask, generator: Generator
    ) throws -> [ForcedToken] {
        let prompt = task.prompt(of: problem)
        let answer = task.answer(of: problem)
        let critical = task.criticalTokens(ofAnswerTo: problem, trainedDigits: options.trainedDigits)
        let distributions = try NextTokenDistributions(
            model, prompt: prompt, answer: answer, temperature: options.temperature)
        let positions = chosenPositions(answer.count, critical: critical.map(\.critical.position), number: number)
        var requests: [GenerationRequest] = []
        var outcomes: [(position: Int, wrong: Int32)] = []
        let limit = AdditionTask.episodeLengthLimit(digits: options.setup.maximumDigits)
        for position in positions {
            let wrong = distributions.likeliest(at: position, except: answer[position])
            outcomes.append((position, wrong))
            for token in [answer[position], wrong] {
                for _ in 0..<options.rolloutCount {
                    requests.append(
                        GenerationRequest(
                            prompt: prompt + answer[..<position] + [token], sample: UInt64(requests.count),
                            maximumNewTokenCount: max(0, limit - position - 1)))
                }
            }
        }
        let completions = try generator.generate(
            requests, sampling: SamplingOptions(temperature: options.temperature),
            stream: RandomStream.Key(seed: options.seed, purpose: .analysisTokens, step: UInt64(number + 1)),
            stop: { task.isComplete(Array($0)) })
        let successes = zip(requests, completions).map { request, completion in
            task.isCorrect(Array(request.prompt.dropFirst(prompt.count)) + completion.tokens, for: problem)
        }
        let names = Dictionary(
            critical.map { ($0.critical.position, $0.critical.name) }, uniquingKeysWith: { first, _ in first })
        return outcomes.enumerated().map { index, outcome in
            let start = 2 * options.rolloutCount * index
            func share(_ range: Range<Int>) -> Double {
                Double(successes[range].count { $0 }) / Double(max(1, options.rolloutCount))
            }
            let middle = start + options.rolloutCount
            return ForcedToken(
                problem: "\(problem)", position: outcome.position,
                right: task.tokenizer.decode([answer[outcome.position]]), wrong: task.tokenizer.decode([outcome.wrong]),
                criticalName: names[outcome.position],
                rightProbability: distributions.probability(of: answer[outcome.position], at: outcome.position),
                certainty: distributions.certainty(at: outcome.position),
                successWhenRight: share(start..<middle),
                successWhenWrong: share(middle..<(middle + options.rolloutCount)))
        }
    }

    /// All critical places and a random choice of the others, in order.
    private func chosenPositions(_ count: Int, critical: [Int], number: Int) -> [Int] {
        var others = Array(Set(0..<count).subtracting(critical)).sorted()
        var stream = RandomStream(
            RandomStream.Key(seed: options.seed, purpose: .bootstrap, step: UInt64(number + 1)))
        others.shuffle(using: &stream)
        return (critical + others.prefix(max(0, options.forcedTokenCount - critical.count))).sorted()
    }
}
