import CheckpointFormat
import Codecs
import LanguageModel
import OrderedCollections
import SystemPackage
import Tasks

/// The frozen model that fine-tuning starts from and that its penalty holds the policy to.
struct ReferenceModel {
    /// The checkpoint.
    let path: FilePath
    /// Model, tokenizer and weights, which are never changed.
    let stored: LanguageModelCheckpoint
    /// The task in the model's tokens.
    let task: AdditionTask
    /// The weights' digest.
    let digest: String
    /// The digest of the pre-trained model at the chain's start.
    let pretrainedDigest: String
    /// N of its pre-training, where the checkpoint tells.
    let trainedDigits: Int?

    /// Reads a checkpoint.
    ///
    /// - Throws: `CheckpointError`, or `TaskError` where the model does not know the task's characters.
    init(_ path: FilePath) throws {
        let reader = try CheckpointReader(path: path)
        self.path = path
        stored = try LanguageModelCheckpoint(reading: reader)
        task = try AdditionTask(tokenizer: stored.tokenizer)
        digest = reader.weightsDigest.hex
        pretrainedDigest = reader.metadata[MetadataKey.pretrained]?.stringValue ?? digest
        trainedDigits = reader.metadata[MetadataKey.configuration]?.stringValue.flatMap(
            ConfigurationLoader.trainedDigits(inStored:))
    }
}
