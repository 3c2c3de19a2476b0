public import CheckpointFormat
internal import OrderedCollections
internal import TensorCore

/// A GPT-2 model as llama.cpp loads it: the content of a GGUF file of architecture `gpt2`.
public enum LlamaCppModel {
    /// Looks at a model of any format; nothing is written.
    ///
    /// Names and orientation are llama.cpp's. Biases that the model lacks are zeros, as llama.cpp demands them;
    /// vectors and position embeddings are F32. The metadata has all keys that its loader asks for, and the tokenizer;
    /// what else the source says is kept beside them.
    ///
    /// - Parameters:
    ///   - source: A model with its tokenizer.
    ///   - dtype: The type of the matrices; nil for their own.
    ///   - allowsInfinities: See ``DTypeConversion``.
    /// - Throws: ``CheckpointError`` where nothing describes the model, or its tokenizer cannot be written so.
    public static func view(
        of source: any CheckpointSource, dtype: DTypeConversion.Target? = nil, allowsInfinities: Bool = false
    ) throws(CheckpointError) -> DTypeSource {
        let model = try GPT2Source.model(source)
        guard let description = try GPT2Description(of: model) else {
            throw CheckpointError(
                .invalid, path: source.path, problem: "nothing describes the model",
                comparison: .values(found: "no \(MetadataKey.architecture)", expected: "a GPT-2 model"))
        }
        let conversion = DTypeConversion(to: dtype, keepsSmallTensors: true, allowsInfinities: allowsInfinities)
        let names = try GPT2Source(model, naming: .llamaCpp, addsBiases: true, leavesOutOthers: true)
        let matrices = names.tensors.filter { $0.shape.rank == 2 && $0.name.hasPrefix("blk.") }
        let fileType = matrices.first.map { conversion.dtype(of: $0) } ?? .f32
        var metadata = try metadata(of: description, fileType: fileType, path: source)
        for (key, value) in model.metadata where metadata[key] == nil && isKept(key, description) {
            metadata[key] = value
        }
        let seen = try GPT2Source(
            model, naming: .llamaCpp, addsBiases: true, leavesOutOthers: true, metadata: metadata)
        return DTypeSource(seen, conversion: conversion)
    }

    /// Of this project's keys for the model, those say what GGUF's do not.
    private static func isKept(_ key: String, _ description: GPT2Description) -> Bool {
        if GPT2Description.isTokenizerKey(key) {
            return description.tokenizer[MetadataKey.tokenizerModel]?.stringValue != "gpt2"
        }
        if key == MetadataKey.usesBiases { return true }
        return !key.hasPrefix("model.") && !GPT2Source.isDescription(key)
    }

    private static func metadata(
        of model: GPT2Description, fileType: DType, path source: any CheckpointSource
    ) throws(CheckpointError) -> Metadata {
        func size(_ value: Int) -> MetadataValue { .uint32(UInt32(clamping: value)) }
        var metadata: Metadata = [
            "general.architecture": .string("gpt2"), "general.type": .string("model"),
            "gpt2.block_count": size(model.layerCount), "gpt2.context_length": size(model.contextLength),
            "gpt2.embedding_length": size(model.embeddingSize),
            "gpt2.feed_forward_length": size(4 * model.embeddingSize),
            "gpt2.attention.head_count": size(model.headCount),
            "gpt2.attention.layer_norm_epsilon": .float32(model.layerNormEpsilon),
        ]
        if let number = fileTypes[fileType] { metadata["general.file_type"] = .uint32(number) }
        if fileType.isBlockQuantised { metadata["general.quantization_version"] = .uint32(2) }
        metadata.merge(try tokenizer(of: model, source)) { _, new in new }
        return metadata
    }

    /// llama.cpp's numbers of file types (`llama_ftype`).
    private static let fileTypes: [DType: UInt32] = [
        .f32: 0, .f16: 1, .q4_0: 2, .q4_1: 3, .q8_0: 7, .q5_0: 8, .q5_1: 9, .q4_K: 15, .q5_K: 17, .q6_K: 18, .bf16: 32,
    ]

    /// llama.cpp's numbers of token types.
    private enum TokenType: Int32 {
        case normal = 1, control = 3, unused = 5
    }

    private static func tokenizer(
        of model: GPT2Description, _ source: any CheckpointSource
    ) throws(CheckpointError) -> Metadata {
        let stored = model.tokenizer
        guard let vocabulary = stored[MetadataKey.tokenizerVocabulary]?.stringArrayValue else {
            // llama.cpp loads such a model, for those who bring tokens of their own.
            return [
                "tokenizer.ggml.model": .string("none"),
                "gpt2.vocab_size": .uint32(UInt32(clamping: model.vocabularySize)),
            ]
        }
        guard vocabulary.count == model.vocabularySize, Set(vocabulary).count == vocabulary.count else {
            throw CheckpointError(
                .invalid, path: source.path, place: CheckpointPlace(field: MetadataKey.tokenizerVocabulary),
                problem: "llama.cpp needs one token for each row of the embedding, each once",
                comparison: .values(
                    found: "\(Set(vocabulary).count) of \(vocabulary.count)", expected: "\(model.vocabularySize)"))
        }
        let isBytePairs = stored[MetadataKey.tokenizerModel]?.stringValue == "gpt2"
        var types = vocabulary.map { isPadding($0) && isBytePairs ? TokenType.unused : .normal }
        if case .array(let special) = stored[MetadataKey.tokenizerSpecialTokens] {
            for token in special.elements.compactMap(\.intValue) where types.indices.contains(token) {
                types[token] = .control
            }
        }
        let tokens = isBytePairs ? vocabulary : vocabulary.map { ByteAlphabet.text(of: $0.utf8) }
        let merges =
            isBytePairs ? stored[MetadataKey.tokenizerMerges]?.stringArrayValue ?? [] : mergesOfBytes(vocabulary)
        // llama.cpp takes token 11 where none is named: a character like any other here. A line's end ends less.
        let end =
            stored[MetadataKey.tokenizerEndOfText]?.intValue ?? vocabulary.firstIndex(of: isBytePairs ? "Ċ" : "\n")
            ?? vocabulary.count - 1
        return [
            "tokenizer.ggml.model": .string("gpt2"), "tokenizer.ggml.pre": .string("gpt-2"),
            "tokenizer.ggml.tokens": .array(MetadataArray(tokens)),
            "tokenizer.ggml.token_type": MetadataArray(
                elementType: .int32, elements: types.map { .int32($0.rawValue) }
            ).map { .array($0) } ?? .array(MetadataArray([])),
            "tokenizer.ggml.merges": .array(MetadataArray(merges)),
            "tokenizer.ggml.bos_token_id": .uint32(UInt32(clamping: end)),
            "tokenizer.ggml.eos_token_id": .uint32(UInt32(clamping: end)),
            "tokenizer.ggml.add_bos_token": .bool(false),
        ]
    }

    /// Whether a token is one that ``GPT2Description`` adds for a row without a token.
    private static func isPadding(_ token: String) -> Bool { token.hasPrefix("[PAD") && token.hasSuffix("]") }

    /// Byte pairs that put the bytes of each character together, first to last, so that a text becomes its characters.
    private static func mergesOfBytes(_ characters: [String]) -> [String] {
        var merges: OrderedSet<String> = []
        for character in characters {
            let bytes = Array(character.utf8)
            for end in bytes.indices.dropFirst() {
                merges.append(ByteAlphabet.text(of: bytes[..<end]) + " " + ByteAlphabet.text(of: [bytes[end]]))
            }
        }
        return Array(merges)
    }
}
