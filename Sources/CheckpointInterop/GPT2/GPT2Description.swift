public import CheckpointFormat
public import OrderedCollections
internal import SystemPackage
internal import TensorCore

/// The size and the tokenizer of a GPT-2 model, whoever describes them.
public struct GPT2Description: Sendable {
    /// V, the number of tokens.
    public var vocabularySize: Int
    /// The number of learned positions.
    public var contextLength: Int
    /// The number of blocks.
    public var layerCount: Int
    /// Attention heads of each block.
    public var headCount: Int
    /// C, the width of the residual stream.
    public var embeddingSize: Int
    /// Whether linear layers and norms have biases that are not all zero by construction.
    public var usesBiases: Bool
    /// Added to the variance in each norm.
    public var layerNormEpsilon: Float
    /// The tokenizer as this project's metadata, `tokenizer.*`; empty where none is there.
    public var tokenizer: Metadata

    /// Reads what describes a checkpoint's model: its own metadata (of crux or GGUF), or `config.json` and the
    /// tokenizer's files beside it, as `transformers` saves them.
    ///
    /// - Returns: Nil where the tensors are not GPT-2's, or nothing describes them.
    /// - Throws: ``CheckpointError`` naming the file and the field of a description that is broken, or of a
    ///   variant of GPT-2 that computes something else.
    public init?(of source: any CheckpointSource) throws(CheckpointError) {
        guard let names = GPT2Names(source.tensors, metadata: source.metadata) else { return nil }
        let folder = source.path.removingLastComponent()
        let configuration = folder.appending("config.json")
        if source.metadata[MetadataKey.architecture] != nil {
            try self.init(cruxMetadataOf: source)
        } else if source.metadata["general.architecture"] != nil {
            try self.init(ggufMetadataOf: source, names)
        } else if source.format != .crux, (try? Stat(configuration)) != nil {
            try self.init(huggingFaceConfiguration: configuration, names)
        } else {
            return nil
        }
        let own = source.metadata.filter { Self.isTokenizerKey($0.key) }
        if own[MetadataKey.tokenizerVocabulary] != nil {
            tokenizer = own
        } else if tokenizer.isEmpty, source.format != .crux {
            tokenizer = try HuggingFaceTokenizer.read(in: folder, endOfText: endOfText) ?? [:]
        }
        padVocabulary()
        // A model without biases is saved with biases of zeros where a format demands them.
        if !usesBiases, try !Self.hasOnlyZeroBiases(source, names) { usesBiases = true }
    }

    /// The token that ends a text, where a description names it apart from the tokenizer.
    private var endOfText: Int?

    private static let tokenizerKeys = [
        MetadataKey.tokenizerModel, MetadataKey.tokenizerVocabulary, MetadataKey.tokenizerMerges,
        MetadataKey.tokenizerSpecialTokens, MetadataKey.tokenizerEndOfText,
    ]

    static func isTokenizerKey(_ key: String) -> Bool { tokenizerKeys.contains(key) }

    /// The same as this project's metadata, `model.*` and `tokenizer.*`.
    public var metadata: Metadata {
        var metadata: Metadata = [MetadataKey.architecture: .string("gpt2")]
        let sizes = [
            (MetadataKey.contextLength, contextLength), (MetadataKey.embeddingSize, embeddingSize),
            (MetadataKey.layerCount, layerCount), (MetadataKey.headCount, headCount),
            (MetadataKey.vocabularySize, vocabularySize),
        ]
        for (key, size) in sizes { metadata[key] = .uint32(UInt32(clamping: size)) }
        metadata[MetadataKey.usesBiases] = .bool(usesBiases)
        metadata[MetadataKey.layerNormEpsilon] = .float32(layerNormEpsilon)
        metadata.merge(tokenizer) { _, new in new }
        return metadata
    }

    private init(cruxMetadataOf source: any CheckpointSource) throws(CheckpointError) {
        let fields = MetadataFields(source)
        vocabularySize = try fields.integer(MetadataKey.vocabularySize)
        contextLength = try fields.integer(MetadataKey.contextLength)
        layerCount = try fields.integer(MetadataKey.layerCount)
        headCount = try fields.integer(MetadataKey.headCount)
        embeddingSize = try fields.integer(MetadataKey.embeddingSize)
        usesBiases = source.metadata[MetadataKey.usesBiases]?.boolValue ?? false
        layerNormEpsilon = try fields.float(MetadataKey.layerNormEpsilon)
        tokenizer = [:]
    }

    private init(ggufMetadataOf source: any CheckpointSource, _ names: GPT2Names) throws(CheckpointError) {
        let fields = MetadataFields(source)
        let table = GPT2Parameter(.tokenEmbedding).flatMap { names.name(of: $0) }.flatMap { source.tensor(named: $0) }
        vocabularySize = table?.shape.dimensions.first ?? 0
        contextLength = try fields.integer("gpt2.context_length")
        layerCount = try fields.integer("gpt2.block_count")
        headCount = try fields.integer("gpt2.attention.head_count")
        embeddingSize = try fields.integer("gpt2.embedding_length")
        layerNormEpsilon = try fields.float("gpt2.attention.layer_norm_epsilon")
        usesBiases = source.metadata[MetadataKey.usesBiases]?.boolValue ?? names.hasBiases
        tokenizer = try Self.tokenizer(ofGGUF: source)
    }

    private init(huggingFaceConfiguration path: FilePath, _ names: GPT2Names) throws(CheckpointError) {
        let configuration = try HuggingFaceConfiguration(path: path)
        vocabularySize = configuration.vocabularySize
        contextLength = configuration.contextLength
        layerCount = configuration.layerCount
        headCount = configuration.headCount
        embeddingSize = configuration.embeddingSize
        layerNormEpsilon = configuration.layerNormEpsilon
        usesBiases = names.hasBiases
        tokenizer = [:]
        endOfText = configuration.endOfText
    }

    /// Rows of the embedding beyond the tokenizer's tokens get the names that llama.cpp gives them.
    private mutating func padVocabulary() {
        guard tokenizer[MetadataKey.tokenizerModel]?.stringValue == "gpt2",
            var tokens = tokenizer[MetadataKey.tokenizerVocabulary]?.stringArrayValue,
            tokens.count < vocabularySize, vocabularySize <= HuggingFaceTokenizer.tokenLimit
        else { return }
        tokens += (tokens.count..<vocabularySize).map { "[PAD\($0)]" }
        tokenizer[MetadataKey.tokenizerVocabulary] = .array(MetadataArray(tokens))
    }

    private static func hasOnlyZeroBiases(
        _ source: any CheckpointSource, _ names: GPT2Names
    ) throws(CheckpointError) -> Bool {
        for tensor in source.tensors where names.parameter(of: tensor.name)?.part == .bias {
            if try source.readBytes(of: tensor).contains(where: { $0 != 0 }) { return false }
        }
        return true
    }

    /// A vocabulary in GGUF's metadata; empty where the file has none.
    private static func tokenizer(ofGGUF source: any CheckpointSource) throws(CheckpointError) -> Metadata {
        let metadata = source.metadata
        guard let model = metadata["tokenizer.ggml.model"]?.stringValue, model != "none" else { return [:] }
        let splitter = metadata["tokenizer.ggml.pre"]?.stringValue ?? "gpt-2"
        guard model == "gpt2", splitter == "gpt-2" else {
            throw CheckpointError(
                .invalid, path: source.path, place: CheckpointPlace(field: "tokenizer.ggml.model, tokenizer.ggml.pre"),
                problem: "a tokenizer that cannot be run",
                comparison: .values(found: "\(model), \(splitter)", expected: "gpt2, gpt-2"))
        }
        let fields = MetadataFields(source)
        let tokens = try fields.strings("tokenizer.ggml.tokens")
        let merges = metadata["tokenizer.ggml.merges"] == nil ? [] : try fields.strings("tokenizer.ggml.merges")
        var special: [Int] = []
        if case .array(let types) = metadata["tokenizer.ggml.token_type"] {
            guard types.elements.count == tokens.count else {
                throw CheckpointError(
                    .invalid, path: source.path, place: CheckpointPlace(field: "tokenizer.ggml.token_type"),
                    problem: "another number than of tokens",
                    comparison: .values(found: "\(types.elements.count)", expected: "\(tokens.count)"))
            }
            // Control and user-defined tokens stand for themselves.
            special = types.elements.indices.filter { [3, 4].contains(types.elements[$0].intValue) }
        }
        return HuggingFaceTokenizer.metadata(
            tokens: tokens, merges: merges, special: special,
            endOfText: metadata["tokenizer.ggml.eos_token_id"]?.intValue)
    }
}

extension GPT2Names {
    /// Whether there is any bias.
    var hasBiases: Bool { parameters.contains { $0.part == .bias } }
}

/// A checkpoint's metadata, read with errors that name file and key.
private struct MetadataFields {
    let source: any CheckpointSource

    init(_ source: any CheckpointSource) { self.source = source }

    func integer(_ key: String) throws(CheckpointError) -> Int { try value(key, "an integer", \.intValue) }

    func float(_ key: String) throws(CheckpointError) -> Float {
        Float(try value(key, "a number", \.doubleValue))
    }

    func strings(_ key: String) throws(CheckpointError) -> [String] {
        try value(key, "an array of strings", \.stringArrayValue)
    }

    private func value<Value>(
        _ key: String, _ expected: String, _ convert: (MetadataValue) -> Value?
    ) throws(CheckpointError) -> Value {
        let stored = source.metadata[key]
        guard let value = stored.flatMap(convert) else {
            throw CheckpointError(
                .invalid, path: source.path, place: CheckpointPlace(field: key), problem: "unsuitable metadata",
                comparison: .values(
                    found: stored.map { MetadataText.typeName(of: $0) } ?? "nothing", expected: expected))
        }
        return value
    }
}
