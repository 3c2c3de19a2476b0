/// What part of a transformer a tensor belongs to, judged by its name.
public enum ParameterKind: String, CaseIterable, Codable, Hashable, Sendable {
    /// Token and position embeddings, and a head that is not tied to them.
    case embedding
    /// Queries, keys, values and their output projection.
    case attention
    /// The feed-forward layers.
    case mlp
    /// Layer norms.
    case norm
    /// Anything else.
    case other
}

/// Where in a model a tensor lies: the block's number and the kind of parameter.
public struct ParameterPlace: Codable, Hashable, Sendable {
    /// The transformer block, from 0; nil outside the blocks.
    public let layer: Int?
    /// The part of the model.
    public let kind: ParameterKind

    /// Judges a name as nanoGPT, Hugging Face and GGUF spell them, with any prefix before it.
    ///
    /// For example `h.3.attn.c_attn.weight`, `model.layers.3.mlp.up_proj.weight`, `blk.3.attn_norm.weight`.
    public init(tensorName name: String) {
        let parts = name.split(separator: ".")
        layer = zip(parts, parts.dropFirst()).lazy.compactMap { container, number in
            ["h", "layers", "blk", "blocks", "layer"].contains(container) ? Int(number) : nil
        }.first { $0 >= 0 }
        kind = parts.lazy.compactMap { Self.kind(ofPart: $0.lowercased()) }.first ?? .other
    }

    private static func kind(ofPart part: String) -> ParameterKind? {
        // Norms first: GGUF calls the norm before the attention `attn_norm`.
        if part.contains("norm") || part.hasPrefix("ln_") { return .norm }
        if ["wte", "wpe", "lm_head", "output", "token_embd", "position_embd"].contains(part) || part.contains("embed") {
            return .embedding
        }
        if part.hasPrefix("attn") || part.contains("attention") || part == "self_attn" { return .attention }
        if part.hasPrefix("mlp") || part.hasPrefix("ffn") || part == "feed_forward" { return .mlp }
        return nil
    }
}
