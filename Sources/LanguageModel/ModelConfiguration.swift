/// The size of a GPT-2 model: pre-LN blocks, GELU (tanh), learned positions, head tied to the embedding.
public struct ModelConfiguration: Hashable, Codable, Sendable {
    /// V, the number of tokens.
    public var vocabularySize: Int
    /// The number of learned positions.
    public var contextLength: Int
    /// The number of blocks.
    public var layerCount: Int
    /// Attention heads of each block; divides ``embeddingSize``.
    public var headCount: Int
    /// C, the width of the residual stream.
    public var embeddingSize: Int
    /// Whether linear layers and LayerNorms have biases (nanoGPT's `bias`).
    public var usesBiases: Bool
    /// Added to the variance in each LayerNorm.
    public var layerNormEpsilon: Float

    /// A model's size; ``validate()`` tells whether it can be built.
    public init(
        vocabularySize: Int, contextLength: Int, layerCount: Int, headCount: Int, embeddingSize: Int,
        usesBiases: Bool = false, layerNormEpsilon: Float = 1e-5
    ) {
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.layerCount = layerCount
        self.headCount = headCount
        self.embeddingSize = embeddingSize
        self.usesBiases = usesBiases
        self.layerNormEpsilon = layerNormEpsilon
    }

    /// The width of one attention head.
    public var headSize: Int { embeddingSize / headCount }

    /// Checks that a model of this size can be built.
    ///
    /// - Throws: ``ModelError`` naming the first field that is out of range.
    public func validate() throws(ModelError) {
        let limits: [(String, Int, ClosedRange<Int>)] = [
            ("model.vocabulary_size", vocabularySize, 2...4_194_304),
            ("model.context_length", contextLength, 1...1_048_576),
            ("model.layer_count", layerCount, 1...1024),
            ("model.head_count", headCount, 1...1024),
            ("model.embedding_size", embeddingSize, 1...65_536),
        ]
        for (field, value, limit) in limits where !limit.contains(value) {
            throw ModelError(
                field: field, found: "\(value)", expected: "a number from \(limit.lowerBound) to \(limit.upperBound)")
        }
        guard embeddingSize % headCount == 0 else {
            throw ModelError(
                field: "model.embedding_size", found: "\(embeddingSize)",
                expected: "a multiple of head_count (\(headCount))")
        }
        guard layerNormEpsilon > 0, layerNormEpsilon < 1 else {
            throw ModelError(
                field: "model.layer_norm_epsilon", found: "\(layerNormEpsilon)", expected: "a number between 0 and 1")
        }
    }
}
