import CheckpointFormat
import Kernels
import LanguageModel
import SystemPackage
import TensorCore
import TestSupport
import Testing

@Suite struct LanguageModelCheckpointTests {
    static func checkpoint(usesBiases: Bool = true) throws -> LanguageModelCheckpoint {
        let tokenizer = CharacterTokenizer(alphabet: "0123456789+=\n")
        let model = try GPT(
            ModelConfiguration(
                vocabularySize: tokenizer.vocabulary.count, contextLength: 24, layerCount: 2, headCount: 2,
                embeddingSize: 16, usesBiases: usesBiases, layerNormEpsilon: 1e-6))
        let parameters = FloatArena(count: model.layout.count).all
        model.initialise(parameters, seed: 1)
        return try LanguageModelCheckpoint(model: model, tokenizer: tokenizer, parameters: parameters)
    }

    /// Writes a checkpoint with a change before it is finished.
    private func write(
        _ checkpoint: LanguageModelCheckpoint, to path: FilePath, _ change: (CheckpointWriter) throws -> Void = { _ in }
    ) throws {
        let writer = try CheckpointWriter.create(at: path)
        try checkpoint.write(to: writer)
        try change(writer)
        _ = try writer.finish()
    }

    @Test(arguments: [true, false])
    func comesBackBitForBit(usesBiases: Bool) throws {
        let folder = try TemporaryFolder()
        let checkpoint = try Self.checkpoint(usesBiases: usesBiases)
        let path = folder.file("model.crux")
        try write(checkpoint, to: path)
        let again = try LanguageModelCheckpoint(reading: CheckpointReader(path: path))
        #expect(again.model.configuration == checkpoint.model.configuration)
        #expect(again.tokenizer == checkpoint.tokenizer)
        #expect(again.parameters.array == checkpoint.parameters.array)
    }

    @Test func readsOtherFloatTypes() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("model.crux")
        let checkpoint = try Self.checkpoint()
        let writer = try CheckpointWriter.create(at: path)
        checkpoint.writeMetadata(to: writer)
        for entry in checkpoint.model.layout.entries {
            let halves = checkpoint.parameters[entry.range].array.map { Float16($0) }
            let bytes = halves.flatMap { value in
                [UInt8(truncatingIfNeeded: value.bitPattern), UInt8(truncatingIfNeeded: value.bitPattern >> 8)]
            }
            try writer.append(
                TensorDescription(name: entry.name, dtype: .f16, shape: entry.shape), bytes: unsafe bytes.span.bytes)
        }
        _ = try writer.finish()
        let again = try LanguageModelCheckpoint(reading: CheckpointReader(path: path))
        #expect(again.parameters.array == checkpoint.parameters.array.map { Float(Float16($0)) })
    }

    /// The error of reading a checkpoint with changed metadata.
    private func message(_ key: String, _ value: MetadataValue) throws -> String {
        let folder = try TemporaryFolder()
        let path = folder.file("model.crux")
        try write(Self.checkpoint(), to: path) { $0.setMetadata(key, value) }
        do throws(CheckpointError) {
            _ = try LanguageModelCheckpoint(reading: CheckpointReader(path: path))
            return "read"
        } catch {
            #expect(error.kind == .invalid || error.kind == .missing)
            return error.detail
        }
    }

    @Test func errorsNameKeyOrTensorAndBothValues() throws {
        #expect(
            try message("model.architecture", .string("llama"))
                == #"model.architecture: unsuitable metadata: found "llama", expected "gpt2""#)
        #expect(
            try message("model.head_count", .string("2"))
                == "model.head_count: unsuitable metadata: found string, expected an integer")
        #expect(
            try message("model.head_count", .uint32(3))
                == "model.embedding_size: not a model that can be built: found 16, "
                + "expected a multiple of head_count (3)")
        #expect(
            try message("model.layer_count", .uint64(.max))
                == "model.layer_count: unsuitable metadata: found uint64, expected an integer")
        #expect(
            try message("model.layer_count", .uint32(1000)) == "tensor 'h.2.ln_1.weight': there is no such tensor")
        #expect(
            try message("model.context_length", .uint32(1_000_000))
                == "tensor 'wpe.weight': another shape than the model's: found [24, 16], expected [1000000, 16]")
        #expect(
            try message("model.vocabulary_size", .uint32(14))
                == "tokenizer.vocabulary: not a model that can be built: found 13 tokens, "
                + "expected 14 (model.vocabulary_size)")
        #expect(
            try message("tokenizer.vocabulary", .array(MetadataArray(["a", "a"])))
                == #"tokenizer.vocabulary[1]: not a model that can be built: found "a" for the second time, "#
                + "expected each character once")
        #expect(
            try message("model.layer_norm_epsilon", .float32(.nan))
                == "model.layer_norm_epsilon: not a model that can be built: found nan, "
                + "expected a number between 0 and 1")
    }

    @Test func aCheckpointOfSomethingElseIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("other.crux")
        _ = try CheckpointWriter.create(at: path).finish()
        do throws(CheckpointError) {
            _ = try LanguageModelCheckpoint(reading: CheckpointReader(path: path))
            Issue.record("read")
        } catch {
            #expect(error.detail == "model.architecture: not a model's checkpoint: metadata missing")
        }
    }

    @Test func partsOfDifferentSizesAreRefused() throws {
        let checkpoint = try Self.checkpoint()
        #expect(throws: ModelError.self) {
            try LanguageModelCheckpoint(
                model: checkpoint.model, tokenizer: CharacterTokenizer(alphabet: "ab"),
                parameters: checkpoint.parameters)
        }
        #expect(throws: ModelError.self) {
            try LanguageModelCheckpoint(
                model: checkpoint.model, tokenizer: checkpoint.tokenizer,
                parameters: checkpoint.parameters.prefix(10))
        }
    }
}
