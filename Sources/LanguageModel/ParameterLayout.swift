public import TensorCore

/// Where each named parameter lies in one flat arena of floats, in the order of nanoGPT's state dict.
public struct ParameterLayout: Hashable, Sendable {
    /// One parameter tensor.
    public struct Entry: Hashable, Sendable {
        /// nanoGPT's name, for example `h.0.attn.c_attn.weight`.
        public let name: String
        /// Row-major, outermost first; linear weights are [out, in].
        public let shape: Shape
        /// The floats of the arena that hold it.
        public let range: Range<Int>

        /// Whether weight decay applies: to matrices, not to biases and LayerNorm weights (nanoGPT).
        public var decays: Bool { shape.rank >= 2 }
    }

    /// The parameters in arena order; together they cover the arena without gaps.
    public let entries: [Entry]
    /// The number of floats in the arena.
    public let count: Int
    private let indexByName: [String: Int]

    /// Lays the parameters out one after another.
    public init(_ parameters: [(name: String, shape: Shape)]) {
        var entries: [Entry] = []
        var offset = 0
        for (name, shape) in parameters {
            let count = shape.dimensions.reduce(1, *)
            entries.append(Entry(name: name, shape: shape, range: offset..<(offset + count)))
            offset += count
        }
        self.entries = entries
        count = offset
        indexByName = Dictionary(
            entries.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The parameter of that name.
    public subscript(name: String) -> Entry? { indexByName[name].map { entries[$0] } }

    /// The layout of a GPT-2 model. The head is `wte.weight`, so it has no entry of its own.
    ///
    /// - Throws: ``ModelError`` where no such model can be built.
    public static func gpt2(_ configuration: ModelConfiguration) throws(ModelError) -> ParameterLayout {
        try configuration.validate()
        let width = configuration.embeddingSize
        var parameters: [(name: String, shape: Shape)] = [
            ("wte.weight", [configuration.vocabularySize, width]),
            ("wpe.weight", [configuration.contextLength, width]),
        ]
        func add(_ name: String, _ weight: Shape, biasSize: Int) {
            parameters.append((name + ".weight", weight))
            if configuration.usesBiases { parameters.append((name + ".bias", [biasSize])) }
        }
        for layer in 0..<configuration.layerCount {
            add("h.\(layer).ln_1", [width], biasSize: width)
            add("h.\(layer).attn.c_attn", [3 * width, width], biasSize: 3 * width)
            add("h.\(layer).attn.c_proj", [width, width], biasSize: width)
            add("h.\(layer).ln_2", [width], biasSize: width)
            add("h.\(layer).mlp.c_fc", [4 * width, width], biasSize: 4 * width)
            add("h.\(layer).mlp.c_proj", [width, 4 * width], biasSize: width)
        }
        add("ln_f", [width], biasSize: width)
        return ParameterLayout(parameters)
    }
}
