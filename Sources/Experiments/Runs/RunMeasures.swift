internal import CheckpointFormat
internal import Codecs
internal import Kernels
internal import LanguageModel
internal import SystemPackage
internal import Tasks

/// What a run's model answered at the end, with all that says whether the answers are still those of the run.
public struct RunMeasures: Codable, Hashable, Sendable {
    /// The version of this layout.
    public static let currentSchemaVersion = 1

    /// The version of this layout.
    public let schemaVersion: Int
    /// The run.
    public let run: String
    /// The digest of the model's weights, hexadecimal.
    public let weightsDigest: String
    /// The resolved configuration that was trained with, YAML; empty where nothing was trained.
    public let configuration: String
    /// The number of questions of each set-up.
    public let exampleCount: Int
    /// The set-ups that were to be asked, in words; those that are too long for the model's context have no answers.
    public let setups: [String]
    /// The answers.
    public let accuracies: AdditionAccuracies

    /// Asks a run's model.
    init(_ run: ExperimentRun, checkpoint: FilePath, pool: WorkerPool) throws {
        let reader = try CheckpointReader(path: checkpoint)
        schemaVersion = Self.currentSchemaVersion
        self.run = run.name
        weightsDigest = reader.weightsDigest.hex
        configuration = run.configuration
        exampleCount = run.exampleCount
        setups = run.setups.map(\.description)
        let stored = try LanguageModelCheckpoint(reading: reader)
        let contextLength = stored.model.configuration.contextLength
        accuracies = try AdditionAccuracies(
            of: stored, trainedDigits: run.trainedDigits,
            setups: run.setups.filter { AdditionTask.longestSequence(digits: $0.maximumDigits) <= contextLength },
            exampleCount: run.exampleCount, seed: ExperimentRun.questionSeed, pool: pool)
    }

    /// Reads what was measured; nil where nothing was.
    ///
    /// - Throws: ``ExperimentError`` where the file is not such measures.
    static func read(_ folder: RunPlace) throws -> RunMeasures? {
        try StoredJSON.read(
            folder.measures, orElse: "not the measures of a run; without the file they are taken again")
    }

    /// Whether these answer what a run asks, by the model that it trains.
    func areComplete(for run: ExperimentRun) -> Bool {
        schemaVersion == Self.currentSchemaVersion && exampleCount == run.exampleCount
            && run.hasConfiguration(configuration)
            && run.setups.allSatisfy { setups.contains($0.description) }
    }
}

extension AdditionTask {
    /// The tokens that a model reads of the longest addition of so many digits: all but the last that it writes.
    static func longestSequence(digits: Int) -> Int {
        maximumPromptLength(digits: digits) + maximumAnswerLength(digits: digits) - 1
    }
}
