internal import CheckpointFormat
public import Kernels
public import LanguageModel
public import Tasks

extension ModelEvaluation {
    /// What the models are asked and how they answer.
    public struct Options: Sendable {
        /// The problems of each row.
        public var exampleCount: Int
        /// How tokens are chosen.
        public var sampling: SamplingOptions
        /// The seed of problems, sampling and intervals.
        public var seed: UInt64

        /// Options.
        public init(exampleCount: Int, sampling: SamplingOptions, seed: UInt64) {
            self.exampleCount = exampleCount
            self.sampling = sampling
            self.seed = seed
        }
    }

    /// Lets a model answer problems of each set-up.
    ///
    /// - Parameters:
    ///   - trainedDigits: N of pre-training, for the report only.
    ///   - progress: Called before each set-up.
    /// - Throws: ``AnalysisError`` for a vocabulary that lacks a character of the task, additions longer than the
    ///   context, and logits that are not numbers.
    public static func measure(
        _ model: LoadedModel, trainedDigits: Int?, setups: [AdditionSetup], options: Options, pool: WorkerPool,
        progress: (AdditionSetup) -> Void = { _ in }
    ) throws(AnalysisError) -> ModelEvaluation {
        let task = try model.additionTask()
        for setup in setups { try model.checkContext(holdsDigits: setup.maximumDigits) }
        let generator = Generator(model: model.model, parameters: model.parameters, pool: pool)
        var results: [SetupEvaluation] = []
        for setup in setups {
            progress(setup)
            let start = ContinuousClock.now
            let evaluation: AdditionEvaluation
            do throws(ModelError) {
                evaluation = try AdditionEvaluation(
                    setup: setup, exampleCount: options.exampleCount, task: task, generator: generator,
                    sampling: options.sampling, seed: options.seed)
            } catch {
                throw .model(error, subject: model.identity.path)
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let tokenCount = evaluation.examples.reduce(0) { $0 + $1.completion.tokens.count }
            results.append(
                SetupEvaluation(
                    setup: setup.name, digits: setup.maximumDigits, accuracy: evaluation.accuracy,
                    unfinishedShare: evaluation.unfinishedShare, generatedTokenCount: tokenCount, seconds: seconds,
                    tokensPerSecond: seconds > 0 ? Double(tokenCount) / seconds : nil))
        }
        return ModelEvaluation(checkpoint: model.identity, trainedDigits: trainedDigits, results: results)
    }
}

extension LoadedModel {
    /// The task in the model's own tokens.
    ///
    /// - Throws: ``AnalysisError`` naming the characters that the vocabulary lacks.
    public func additionTask() throws(AnalysisError) -> AdditionTask {
        do throws(TaskError) {
            return try AdditionTask(tokenizer: tokenizer)
        } catch {
            throw .unsuitable(
                subject: "\(identity.path): \(error.field)", found: error.found, expected: error.expected)
        }
    }

    /// Whether the longest addition of so many digits, with its answer, fits the context.
    public func contextHolds(digits: Int) -> Bool {
        Self.additionLength(digits: digits) <= model.configuration.contextLength
    }

    /// - Throws: ``AnalysisError`` where ``contextHolds(digits:)`` is false.
    public func checkContext(holdsDigits digits: Int) throws(AnalysisError) {
        guard contextHolds(digits: digits) else {
            throw .unsuitable(
                subject: "\(identity.path): \(MetadataKey.contextLength)",
                found: "\(model.configuration.contextLength)",
                expected: "at least \(Self.additionLength(digits: digits)), "
                    + "the length of an addition of \(digits) digits")
        }
    }

    /// The tokens that the model reads: all but the last one it writes.
    private static func additionLength(digits: Int) -> Int {
        AdditionTask.maximumPromptLength(digits: digits) + AdditionTask.maximumAnswerLength(digits: digits) - 1
    }
}
