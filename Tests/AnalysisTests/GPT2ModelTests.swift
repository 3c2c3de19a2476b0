import Analysis
import CheckpointFormat
import CheckpointInterop
import Foundation
import Kernels
import LanguageModel
import OrderedCollections
import SystemPackage
import Tasks
import TensorCore
import TestSupport
import Testing

/// Models of `transformers` read and written; see `fixtures/peers/make_gpt2.py`.
@Suite struct GPT2ModelTests {
    private let folder: TemporaryFolder
    private static let text = "A checkpoint holds tensors and metadata: a model's weights 🙂"

    init() throws { folder = try TemporaryFolder() }

    private func fixture() throws -> LoadedModel {
        try LoadedModel(CheckpointOpener.open(Fixtures.path("peers/gpt2/model")))
    }

    private func logits(_ model: LoadedModel, _ tokens: [Int32]) -> [Float] {
        let workspace = model.model.makeWorkspace(
            maximumTokenCount: tokens.count, maximumSequenceLength: tokens.count, forTraining: false)
        var batch = PackedBatch()
        batch.append(tokens)
        model.model.forward(batch, parameters: model.parameters, workspace: workspace)
        return Array(workspace.logits.array.prefix(tokens.count * model.model.configuration.vocabularySize))
    }

    /// Tokens and logits of a file that a peer wrote.
    private func expected(_ path: FilePath) throws -> (tokens: [Int32], logits: [Float]) {
        let source = try SafetensorsSource(path: path)
        func words(_ name: String) throws -> [UInt32] {
            let bytes = try source.readBytes(of: #require(source.tensor(named: name)))
            return stride(from: 0, to: bytes.count, by: 4).map { start in
                bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
            }
        }
        return (try words("tokens").map { Int32(bitPattern: $0) }, try words("logits").map { Float(bitPattern: $0) })
    }

    private func expectClose(_ ours: [Float], _ theirs: [Float]) {
        #expect(ours.count == theirs.count)
        let distance = zip(ours, theirs).map { abs($0 - $1) }.max() ?? .infinity
        #expect(distance < 1e-4)
        // A model that says the same everywhere would prove nothing.
        #expect((theirs.max() ?? 0) - (theirs.min() ?? 0) > 1)
    }

    @Test func saysWhatTransformersSays() throws {
        let model = try fixture()
        let (tokens, theirs) = try expected(Fixtures.path("peers/gpt2/expected.safetensors"))
        #expect(try Array(model.tokenizer.encode(Self.text).prefix(40)) == tokens)
        #expect(model.model.configuration.usesBiases)
        #expect(model.tokenizer.endOfText == 0)
        expectClose(logits(model, tokens), theirs)
    }

    /// Folder, crux, folder: the same parameters and tokenizer, bit for bit.
    @Test func goesThroughCruxAndBackUnchanged() throws {
        let source = try CheckpointOpener.open(Fixtures.path("peers/gpt2/model"))
        let crux = folder.file("model.crux")
        _ = try Conversion(GPT2Source.model(source), to: .crux).run(to: crux)
        let again = folder.file("again")
        _ = try HuggingFaceFolder.write(CruxSource(path: crux), to: again)
        let (first, second, third) = (
            try fixture(), try LoadedModel(CruxSource(path: crux)), try LoadedModel(CheckpointOpener.open(again))
        )
        for other in [second, third] {
            #expect(other.tokenizer == first.tokenizer)
            #expect(other.model.configuration == first.model.configuration)
            #expect(other.parameters.array == first.parameters.array)
        }
        // The reader that training uses knows it too.
        #expect(try LanguageModelCheckpoint(reading: CheckpointReader(path: crux)).tokenizer == first.tokenizer)
        // The weights' file has the tensors of the original, with the same bytes.
        let rewritten = try CheckpointOpener.open(again)
        #expect(Set(rewritten.tensors) == Set(source.tensors))
        for tensor in source.tensors { #expect(try rewritten.digest(of: tensor) == source.digest(of: tensor)) }
    }

    /// A model as this project trains them: no biases, characters as tokens.
    private func ownModel() throws -> CruxSource {
        let tokenizer = CharacterTokenizer(alphabet: "\n +0123456789=aé🙂")
        let model = try GPT(
            ModelConfiguration(
                vocabularySize: tokenizer.vocabulary.count, contextLength: 16, layerCount: 2, headCount: 2,
                embeddingSize: 8))
        let parameters = FloatArena(count: model.layout.count).all
        for index in 0..<parameters.count { parameters[index] = Float((index * 7919) % 2001) / 1000 - 1 }
        let path = folder.file("own.crux")
        let writer = try CheckpointWriter.create(at: path)
        try LanguageModelCheckpoint(model: model, tokenizer: tokenizer, parameters: parameters).write(to: writer)
        try writer.finish()
        return try CruxSource(path: path)
    }

    /// A model without biases and with characters as tokens, as this project trains them.
    @Test func writesItsOwnModelsAndReadsThemBack() throws {
        let crux = try ownModel()
        let target = folder.file("exported")
        let outcome = try HuggingFaceFolder.write(crux, to: target)
        let first = try LoadedModel(crux)
        let second = try LoadedModel(CheckpointOpener.open(target))
        #expect(second.tokenizer == first.tokenizer)
        #expect(second.model.configuration == first.model.configuration)
        #expect(!second.model.configuration.usesBiases)
        #expect(second.parameters.array == first.parameters.array)
        // Biases of zeros are there for transformers.
        #expect(outcome.tensorCount > first.model.layout.entries.count)
        #expect(throws: CheckpointError.self) { try HuggingFaceFolder.write(crux, to: target) }
    }

    @Test(.enabled(if: Peers.have("transformers", "torch", "tokenizers"), "needs transformers; see make peers"))
    func transformersLoadsWhatIsWritten() async throws {
        let python = try #require(Peers.python)
        let characters = try ownModel()
        let pairs = try CheckpointOpener.open(Fixtures.path("peers/gpt2/model"))
        for (name, source, text, shardByteCount) in [
            ("characters", characters as any CheckpointSource, "1+2=3\néa🙂 ", Int?.none),
            ("pairs", pairs, Self.text, nil),
            ("shards", pairs, Self.text, 20_000),
        ] {
            let target = folder.file(name)
            _ = try HuggingFaceFolder.write(source, to: target, shardByteCount: shardByteCount)
            #expect(
                try CheckpointOpener.open(target).format == (shardByteCount == nil ? .safetensors : .shardedSafetensors)
            )
            let out = folder.file("\(name).safetensors")
            let result = try await CommandResult.run(
                python, [Fixtures.path("peers/check_gpt2.py").string, target.string, text, out.string])
            #expect(result.exitCode == 0, "\(result.standardError)")
            let model = try LoadedModel(source)
            let (tokens, theirs) = try expected(out)
            #expect(try model.tokenizer.encode(text) == tokens)
            expectClose(logits(model, tokens), theirs)
        }
    }

    private func message(_ files: [String: String]) throws -> String {
        let copy = folder.file("copy")
        try? FileManager.default.removeItem(atPath: copy.string)
        try FileManager.default.createDirectory(atPath: copy.string, withIntermediateDirectories: false)
        for name in ["model.safetensors", "config.json", "tokenizer.json"] {
            let bytes = try Fixtures.path("peers/gpt2/model/\(name)").readBytes()
            if files[name] != "" { try copy.appending(name).writeBytes(files[name].map { Array($0.utf8) } ?? bytes) }
        }
        for (name, text) in files where !["config.json", "tokenizer.json", ""].contains(name) && text != "" {
            try copy.appending(name).writeBytes(Array(text.utf8))
        }
        let error = #expect(throws: AnalysisError.self) { try LoadedModel(CheckpointOpener.open(copy)) }
        return error.map { "\($0)".replacing(copy.string + "/", with: "") } ?? ""
    }

    @Test func refusesBrokenDescriptions() throws {
        #expect(try message(["config.json": ""]).hasPrefix("model.safetensors: found no model.architecture = gpt2"))
        #expect(
            try message(["config.json": "{\"model_type\": \"llama\"}"])
                == "config.json: byte 1: not as expected: found model_type \"llama\", expected \"gpt2\"")
        #expect(
            try message(["config.json": "{\"activation_function\": \"relu\"}"])
                == "config.json: byte 1: not as expected: found activation_function \"relu\", "
                + "expected \"gelu_new\" or \"gelu_pytorch_tanh\"")
        #expect(
            try message(["config.json": "{\"n_embd\": 32, \"n_inner\": 64}"])
                == "config.json: n_inner: another shape of GPT-2: found 64, expected null or 4 · n_embd")
        for text in [
            "[", "{\"n_embd\": 1e3}", "{\"n_embd\": -1}", "{\"n_head\": 99999999999999999999}", "{} x", "null",
        ] {
            #expect(try !message(["config.json": text]).isEmpty)
        }
        let sizes = "{\"vocab_size\": 600, \"n_positions\": 64, \"n_embd\": 32, \"n_layer\": 2, \"n_head\": 3}"
        #expect(try message(["config.json": sizes]).contains("expected a multiple of head_count (3)"))
        #expect(try message(["tokenizer.json": ""]).contains("tokenizer.vocabulary"))
        #expect(
            try message([
                "tokenizer.json":
                    "{\"pre_tokenizer\":{\"type\":\"Metaspace\"},\"model\":{\"type\":\"Unigram\",\"vocab\":{}}}"
            ])
                == "tokenizer.json: model.type, pre_tokenizer.type: a tokenizer that cannot be run: "
                + "found Unigram, Metaspace, expected BPE, ByteLevel as of GPT-2; "
                + "or WordLevel, Split as this program writes characters")
        #expect(
            try message([
                "tokenizer.json":
                    "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":2}}}"
            ])
                == "tokenizer.json: vocabulary: the tokens' numbers have a gap or one twice: "
                + "found 2 for \"b\", expected 1")
        #expect(
            try message([
                "tokenizer.json": "", "vocab.json": "{\"a\":0,\"b\":1,\"ab\":2}",
                "merges.txt": "#version: 0.2\na b\na c\n",
            ])
            .contains("tokenizer.merges[1]: found \"a c\", without \"c\" in the vocabulary"))
    }
}
