/// One parameter of GPT-2, whatever a tool calls its tensor.
public struct GPT2Parameter: Hashable, Sendable, CustomStringConvertible {
    /// A layer of the model.
    public enum Module: String, CaseIterable, Hashable, Sendable {
        /// Token embedding, [V, C].
        case tokenEmbedding = "wte"
        /// Position embedding, [context length, C].
        case positionEmbedding = "wpe"
        /// LayerNorm before the attention, [C].
        case attentionNorm = "ln_1"
        /// Queries, keys and values in one linear layer, C to 3C.
        case attention = "attn.c_attn"
        /// The attention's output, a linear layer C to C.
        case attentionProjection = "attn.c_proj"
        /// LayerNorm before the feed-forward layers, [C].
        case feedForwardNorm = "ln_2"
        /// The first feed-forward layer, C to 4C.
        case expansion = "mlp.c_fc"
        /// The second feed-forward layer, 4C to C.
        case contraction = "mlp.c_proj"
        /// The last LayerNorm, [C].
        case lastNorm = "ln_f"
        /// The output layer, [V, C]; usually the token embedding itself.
        case head = "lm_head"

        /// Whether every block has one.
        public var isInBlock: Bool {
            switch self {
            case .tokenEmbedding, .positionEmbedding, .lastNorm, .head: false
            default: true
            }
        }

        /// Whether it is one of the linear layers of a block, which tools orient differently.
        public var isLinear: Bool {
            switch self {
            case .attention, .attentionProjection, .expansion, .contraction: true
            default: false
            }
        }

        /// Whether it can have a bias.
        public var hasBias: Bool { isLinear || self == .attentionNorm || self == .feedForwardNorm || self == .lastNorm }
    }

    /// Which of a layer's two parameters it is.
    public enum Part: String, CaseIterable, Hashable, Sendable {
        /// The matrix, the table or the norm's factors.
        case weight
        /// The vector that is added.
        case bias
    }

    /// The layer.
    public let module: Module
    /// The block, from 0; nil outside the blocks.
    public let block: Int?
    /// Weight or bias.
    public let part: Part

    /// Names a parameter, or nil where GPT-2 has no such one.
    public init?(_ module: Module, block: Int? = nil, _ part: Part = .weight) {
        guard (block != nil) == module.isInBlock, block ?? 0 >= 0, part == .weight || module.hasBias else { return nil }
        self.module = module
        self.block = block
        self.part = part
    }

    /// nanoGPT's name, by which the other tools of this project know it.
    public var description: String { GPT2Naming.nanoGPT.name(of: self) }
}
