import Analysis
import CheckpointFormat
import CheckpointInterop
import Kernels
import LanguageModel
import SystemPackage
import TestSupport
import Testing

/// Models whose distributions are known without running them.
///
/// All layers but the embeddings and the last norm are zero, so that nothing but token and position matters.
struct SampleModel {
    let checkpoint: LanguageModelCheckpoint

    /// Predicts the same distribution everywhere: softmax(logits), one character each.
    init(vocabulary: String, logits: [Float], contextLength: Int = 8) throws {
        let configuration = ModelConfiguration(
            vocabularySize: logits.count, contextLength: contextLength, layerCount: 1, headCount: 1, embeddingSize: 2,
            usesBiases: true)
        try self.init(configuration, CharacterTokenizer(vocabulary: vocabulary.map { String($0) })) {
            layout, parameters in
            // The last norm has weight 0 and bias (1, 0): the hidden state is (1, 0), the logits wte[·][0].
            parameters[try #require(layout["ln_f.weight"]).range].fill(0)
            parameters[try #require(layout["ln_f.bias"]).range][0] = 1
            let table = parameters[try #require(layout["wte.weight"]).range]
            for (token, logit) in logits.enumerated() { table[2 * token] = logit }
        }
    }

    /// Predicts `text` position by position, from position `start`; `sharpness` scales the logits.
    init(
        tokenizer: CharacterTokenizer, text: String, from start: Int, contextLength: Int, sharpness: Float
    ) throws {
        let size = tokenizer.vocabulary.count
        let configuration = ModelConfiguration(
            vocabularySize: size, contextLength: contextLength, layerCount: 1, headCount: 1, embeddingSize: size,
            usesBiases: true)
        try self.init(configuration, tokenizer) { layout, parameters in
            let tokens = parameters[try #require(layout["wte.weight"]).range]
            for token in 0..<size { tokens[token * size + token] = 1 }
            let positions = parameters[try #require(layout["wpe.weight"]).range]
            for (offset, token) in try tokenizer.encode(text).enumerated() where start + offset < contextLength {
                // The token at a position is predicted by the position before it.
                positions[(start + offset - 1) * size + Int(token)] = 100
            }
            let norm = parameters[try #require(layout["ln_f.weight"]).range]
            norm.fill(sharpness)
        }
    }

    private init(
        _ configuration: ModelConfiguration, _ tokenizer: CharacterTokenizer,
        fill: (ParameterLayout, FloatSlice) throws -> Void
    ) throws {
        let model = try GPT(configuration)
        let parameters = FloatArena(count: model.layout.count).all
        try fill(model.layout, parameters)
        checkpoint = try LanguageModelCheckpoint(model: model, tokenizer: tokenizer, parameters: parameters)
    }

    /// Writes the model and loads it again.
    func loaded(_ path: FilePath) throws -> LoadedModel {
        try write(path)
        return try LoadedModel(CheckpointOpener.open(path))
    }

    /// Writes the model.
    func write(_ path: FilePath) throws {
        let writer = try CheckpointWriter.create(at: path)
        try checkpoint.write(to: writer)
        try writer.finish()
    }
}
