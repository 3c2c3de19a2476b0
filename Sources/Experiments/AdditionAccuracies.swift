internal import Kernels
internal import LanguageModel
public import Tasks

/// A model's accuracy on the set-ups of one experiment, the same questions for every model.
public struct AdditionAccuracies: Hashable, Codable, Sendable {
    /// Accuracy on one set-up.
    public struct Cell: Hashable, Codable, Sendable {
        /// The set-up in words, for example `varying, up to 6 digits`.
        public let setup: String
        /// The digits of the longest operand.
        public let digits: Int
        /// Whether pre-training has shown that many digits.
        public let isInsideTraining: Bool
        /// The share of exact matches with its bootstrap interval.
        public let accuracy: Accuracy
    }

    /// One cell for each set-up.
    public let cells: [Cell]

    /// What is asked where N digits were trained: N digits (varying) and N+1 digits (varying and fixed).
    static func standardSetups(trainedDigits: Int) -> [AdditionSetup] {
        [.varying(digits: trainedDigits), .varying(digits: trainedDigits + 1), .fixed(digits: trainedDigits + 1)]
    }

    /// Lets a model answer, greedily.
    ///
    /// - Throws: `ModelError` where the model's logits are not numbers or a prompt does not fit its context.
    init(
        of checkpoint: LanguageModelCheckpoint, trainedDigits: Int, setups: [AdditionSetup], exampleCount: Int,
        seed: UInt64, pool: WorkerPool
    ) throws {
        let task = try AdditionTask(tokenizer: checkpoint.tokenizer)
        let generator = Generator(model: checkpoint.model, parameters: checkpoint.parameters, pool: pool)
        cells = try setups.map { setup in
            let evaluation = try AdditionEvaluation(
                setup: setup, exampleCount: exampleCount, task: task, generator: generator, sampling: .greedy,
                seed: seed)
            return Cell(
                setup: setup.description, digits: setup.maximumDigits,
                isInsideTraining: setup.maximumDigits <= trainedDigits, accuracy: evaluation.accuracy)
        }
    }

    /// The accuracy on a set-up, where it was asked.
    public func accuracy(on setup: AdditionSetup) -> Accuracy? {
        cells.first { $0.setup == setup.description }?.accuracy
    }

    /// Inside the trained lengths.
    public var inside: Accuracy? { cells.first { $0.isInsideTraining }?.accuracy }

    /// One digit beyond, the set-up that is practised (varying).
    public var beyond: Accuracy? { cells.first { !$0.isInsideTraining }?.accuracy }
}
