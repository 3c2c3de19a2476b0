public import CheckpointFormat
internal import OrderedCollections
public import SystemPackage
internal import TensorCore

/// A GPT-2 model as a folder that `transformers` loads: `model.safetensors`, `config.json` and the tokenizer.
public enum HuggingFaceFolder {
    /// Writes the folder; it appears under its name only when it is complete.
    ///
    /// The weights are the model's only; optimiser states and the like are left out. A model without biases gets
    /// biases of zeros, as GPT-2 has no other form at Hugging Face.
    ///
    /// - Parameters:
    ///   - source: A model of any format, with its tokenizer.
    ///   - folder: Must not exist, or be empty.
    ///   - shardByteCount: See ``ShardedSafetensorsWriter``; nil for one file of any size.
    ///   - progress: As ``Conversion/run(to:options:verifies:progress:)``.
    /// - Returns: What the conversion of the weights did.
    /// - Throws: ``CheckpointError`` where nothing describes the model, the folder is there, or writing fails.
    public static func write(
        _ source: any CheckpointSource, to folder: FilePath, shardByteCount: Int? = nil, verifies: Bool = true,
        progress: ((_ done: Int, _ total: Int) -> Void)? = nil
    ) throws(CheckpointError) -> Conversion.Outcome {
        let model = try GPT2Source.model(source)
        guard let description = try GPT2Description(of: model) else {
            throw CheckpointError(
                .invalid, path: source.path, problem: "nothing describes the model",
                comparison: .values(found: "no \(MetadataKey.architecture)", expected: "a GPT-2 model"))
        }
        var metadata: Metadata = ["format": .string("pt")]
        for (key, value) in model.metadata where key != "format" { metadata[key] = value }
        if description.tokenizer[MetadataKey.tokenizerModel]?.stringValue == "gpt2" {
            for key in metadata.keys where GPT2Description.isTokenizerKey(key) { metadata[key] = nil }
        }
        let seen = try GPT2Source(
            model, naming: .huggingFace, addsBiases: true, leavesOutOthers: true, metadata: metadata)
        let output = try OutputFolder(at: folder)
        let conversion = Conversion(seen, to: .safetensors)
        let outcome =
            if let shardByteCount {
                try conversion.run(
                    into: output, shardByteCount: shardByteCount, verifies: verifies, progress: progress)
            } else {
                try conversion.run(
                    to: output.unfinished.appending("model.safetensors"), verifies: verifies, progress: progress)
            }
        for (name, text) in HuggingFaceText.files(description, dtype: seen.tensors.first?.dtype ?? .f32) {
            try output.write(text, to: name)
        }
        try output.finish()
        return outcome
    }
}
