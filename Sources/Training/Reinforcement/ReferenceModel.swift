import CheckpointFormat
import Codecs
import Kernels
import LanguageModel
import OrderedCollections
import SystemPackage
import Tasks

/// The frozen model that fine-tuning starts from and that its penalty holds the policy to.
struct ReferenceModel {
    /// The checkpoint.
    let path: FilePath
    /// Size and tokenizer.
    let stored: StoredModel
    /// The model's plan.
    let model: GPT
    /// The task in the model's tokens.
    let task: AdditionTask
    /// The weights, never changed.
    let parameters: FloatSlice
    /// The weights' digest.
    let digest: String
    /// The digest of the pre-trained model at the chain's start.
    let pretrainedDigest: String
    /// N of its pre-training, where the checkpoint tells.
    let trainedDigits: Int?

    /// Reads a checkpoint.
    ///
    /// - Throws: `CheckpointError`, `ModelError`, ``TaskError`` or ``TrainingError`` where it holds no model of
    ///   this task.
    init(_ path: FilePath) throws {
        let reader = try CheckpointReader(path: path)
        self.path = path
        stored = try StoredModel(reader)
        model = try GPT(stored.configuration)
        guard stored.tokenizer.vocabulary.count == stored.configuration.vocabularySize else {
            throw TrainingError(
                .unsuitableCheckpoint(
                    path: path.string, field: MetadataKey.tokenizerVocabulary,
                    found: "\(stored.tokenizer.vocabulary.count) characters",
                    expected: "\(stored.configuration.vocabularySize), the model's vocabulary size"))
        }
        task = try AdditionTask(tokenizer: stored.tokenizer)
        parameters = FloatArena(count: model.layout.count).all
        for entry in model.layout.entries {
            try reader.fill(parameters[entry.range], from: entry.name, shape: entry.shape)
        }
        digest = reader.weightsDigest.hex
        pretrainedDigest = reader.metadata[MetadataKey.pretrained]?.stringValue ?? digest
        trainedDigits = Self.trainedDigits(reader)
    }

    private static func trainedDigits(_ reader: CheckpointReader) -> Int? {
        guard let yaml = reader.metadata[MetadataKey.configuration]?.stringValue else { return nil }
        if let configuration = try? ConfigurationLoader.load(PretrainingConfiguration.self, yaml: yaml) {
            return configuration.task.digits
        }
        return try? ConfigurationLoader.load(FineTuningConfiguration.self, yaml: yaml).task.trainedDigits
    }
}
