internal import OrderedCollections
internal import CheckpointFormat
internal import LanguageModel

/// What a checkpoint's metadata says about its model.
struct ModelMetadata {
    private let metadata: Metadata
    /// The keys that are needed and not there, or not of the right type, in the order of the format's documents.
    let missingKeys: [String]
    /// The characters in token order; empty where they are missing.
    let vocabulary: [String]

    init(_ metadata: Metadata) {
        self.metadata = metadata
        vocabulary = metadata[MetadataKey.tokenizerVocabulary]?.stringArrayValue ?? []
        let sizes = [
            MetadataKey.contextLength, MetadataKey.embeddingSize, MetadataKey.layerCount, MetadataKey.headCount,
            MetadataKey.vocabularySize,
        ]
        var missing: [String] = []
        if metadata[MetadataKey.architecture]?.stringValue != "gpt2" {
            missing.append("\(MetadataKey.architecture) = gpt2")
        }
        missing += sizes.filter { metadata[$0]?.intValue == nil }
        if metadata[MetadataKey.layerNormEpsilon]?.doubleValue == nil { missing.append(MetadataKey.layerNormEpsilon) }
        if vocabulary.isEmpty { missing.append(MetadataKey.tokenizerVocabulary) }
        missingKeys = missing
    }

    /// The model's size, not yet validated; the model's own initialiser does that.
    func configuration() -> ModelConfiguration {
        func size(_ key: String) -> Int { metadata[key]?.intValue ?? 0 }
        let usesBiases = metadata[MetadataKey.usesBiases]?.boolValue ?? false
        return ModelConfiguration(
            vocabularySize: size(MetadataKey.vocabularySize), contextLength: size(MetadataKey.contextLength),
            layerCount: size(MetadataKey.layerCount), headCount: size(MetadataKey.headCount),
            embeddingSize: size(MetadataKey.embeddingSize), usesBiases: usesBiases,
            layerNormEpsilon: Float(metadata[MetadataKey.layerNormEpsilon]?.doubleValue ?? 0))
    }
}
