public import CheckpointFormat
internal import OrderedCollections

extension GPT2Source {
    /// A GPT-2 model of any tool as this project's models are stored: nanoGPT's names and orientation, metadata
    /// `model.*` and `tokenizer.*`.
    ///
    /// - Returns: The source itself where it is stored so already, is not GPT-2, or nothing describes it.
    /// - Throws: As ``GPT2Description/init(of:)`` and ``init(_:naming:addsBiases:metadata:)``.
    public static func model(_ source: any CheckpointSource) throws(CheckpointError) -> any CheckpointSource {
        // What crux wrote is as it should be.
        if source.metadata[MetadataKey.architecture] != nil, source.tensor(named: "wte.weight") != nil,
            source.metadata[MetadataKey.tokenizerVocabulary] != nil
        {
            return source
        }
        guard let description = try GPT2Description(of: source) else { return source }
        var metadata = source.metadata.filter { !isDescription($0.key) }
        metadata.merge(description.metadata) { _, new in new }
        return try GPT2Source(
            source, naming: .nanoGPT, leavesOutBiases: !description.usesBiases, metadata: metadata)
    }

    /// Whether a key of another tool says what ``GPT2Description`` says.
    static func isDescription(_ key: String) -> Bool {
        key.hasPrefix("gpt2.") || key.hasPrefix("tokenizer.ggml.") || key == "general.architecture"
            || key == "general.file_type" || key == "general.quantization_version" || key == "general.alignment"
            || key == "format"
    }
}
