import CheckpointFormat
import LanguageModel
import OrderedCollections

/// A model's size and tokenizer as a checkpoint's metadata.
struct StoredModel {
    let configuration: ModelConfiguration
    let tokenizer: CharacterTokenizer

    init(configuration: ModelConfiguration, tokenizer: CharacterTokenizer) {
        self.configuration = configuration
        self.tokenizer = tokenizer
    }

    /// Reads the metadata.
    ///
    /// - Throws: ``TrainingError`` naming the first key that is missing or does not fit.
    init(_ reader: CheckpointReader) throws {
        func flag(_ key: String) -> Bool { reader.metadata[key]?.boolValue ?? false }
        configuration = ModelConfiguration(
            vocabularySize: try reader.integer(MetadataKey.vocabularySize),
            contextLength: try reader.integer(MetadataKey.contextLength),
            layerCount: try reader.integer(MetadataKey.layerCount),
            headCount: try reader.integer(MetadataKey.headCount),
            embeddingSize: try reader.integer(MetadataKey.embeddingSize),
            usesBiases: flag(MetadataKey.usesBiases),
            layerNormEpsilon: reader.metadata[MetadataKey.layerNormEpsilon]?.doubleValue.map(Float.init) ?? 1e-5)
        tokenizer = try CharacterTokenizer(
            vocabulary: reader.metadata[MetadataKey.tokenizerVocabulary]?.stringArrayValue ?? [])
    }

    /// Sets the metadata.
    func write(to writer: CheckpointWriter) {
        writer.setMetadata(MetadataKey.architecture, .string("gpt2"))
        writer.setMetadata(MetadataKey.contextLength, .uint32(UInt32(clamping: configuration.contextLength)))
        writer.setMetadata(MetadataKey.embeddingSize, .uint32(UInt32(clamping: configuration.embeddingSize)))
        writer.setMetadata(MetadataKey.layerCount, .uint32(UInt32(clamping: configuration.layerCount)))
        writer.setMetadata(MetadataKey.headCount, .uint32(UInt32(clamping: configuration.headCount)))
        writer.setMetadata(MetadataKey.vocabularySize, .uint32(UInt32(clamping: configuration.vocabularySize)))
        writer.setMetadata(MetadataKey.usesBiases, .bool(configuration.usesBiases))
        writer.setMetadata(MetadataKey.layerNormEpsilon, .float32(configuration.layerNormEpsilon))
        writer.setMetadata(MetadataKey.tokenizerModel, .string("character"))
        writer.setMetadata(MetadataKey.tokenizerVocabulary, .array(MetadataArray(tokenizer.vocabulary)))
    }
}
