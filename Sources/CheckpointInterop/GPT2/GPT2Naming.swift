/// How a tool names and orients the tensors of GPT-2.
public enum GPT2Naming: String, CaseIterable, Codable, Hashable, Sendable {
    /// Hugging Face's `transformers`: `transformer.h.0.attn.c_attn.weight`, linear weights [in, out] (Conv1D).
    case huggingFace = "hf"
    /// nanoGPT, llm.c and this project: `h.0.attn.c_attn.weight`, linear weights [out, in].
    case nanoGPT = "nanogpt"
    /// llama.cpp: `blk.0.attn_qkv.weight`, linear weights [out, in].
    case llamaCpp = "llama.cpp"

    /// What a name can stand for.
    public enum Meaning: Hashable, Sendable {
        /// A parameter.
        case parameter(GPT2Parameter)
        /// A causal mask that older versions of `transformers` and nanoGPT store: `attn.bias` [1, 1, n, n] or
        /// `attn.masked_bias`, []. It is the same for every model and never counted as its content.
        case causalMask(block: Int)
    }

    /// Whether the parameter's tensor is the transpose of nanoGPT's.
    public func isTransposed(_ parameter: GPT2Parameter) -> Bool {
        self == .huggingFace && parameter.module.isLinear && parameter.part == .weight
    }

    /// The name of a parameter's tensor.
    public func name(of parameter: GPT2Parameter) -> String {
        let module: String
        switch self {
        case .llamaCpp:
            module = (parameter.block.map { "blk.\($0)." } ?? "") + Self.llamaCppName(of: parameter.module)
        case .huggingFace, .nanoGPT:
            let prefix = self == .huggingFace && parameter.module != .head ? "transformer." : ""
            module = prefix + (parameter.block.map { "h.\($0)." } ?? "") + parameter.module.rawValue
        }
        return "\(module).\(parameter.part.rawValue)"
    }

    /// What a tensor's name stands for; nil where the tool has no such tensor.
    ///
    /// For Hugging Face and nanoGPT the prefixes `model.` (of a training state), `_orig_mod.` (of `torch.compile`),
    /// `module.` (of distributed training) and `transformer.` may stand before it.
    public func meaning(of name: String) -> Meaning? {
        var rest = name[...]
        if self != .llamaCpp {
            for prefix in Self.prefixes where rest.hasPrefix(prefix) { rest.removeFirst(prefix.count) }
        }
        var parts = rest.split(separator: ".", omittingEmptySubsequences: false)
        var block: Int?
        if parts.count > 2, parts[0] == (self == .llamaCpp ? "blk" : "h") {
            // One way to write a number, or two tensors could have the same meaning.
            guard let number = Int(parts[1]), number >= 0, String(number) == parts[1] else { return nil }
            block = number
            parts.removeFirst(2)
        }
        if self != .llamaCpp, let block, parts == ["attn", "bias"] || parts == ["attn", "masked_bias"] {
            return .causalMask(block: block)
        }
        guard let last = parts.popLast(), let part = GPT2Parameter.Part(rawValue: String(last)),
            let module = module(parts.joined(separator: ".")),
            let parameter = GPT2Parameter(module, block: block, part)
        else { return nil }
        return .parameter(parameter)
    }

    /// What may stand before a name in PyTorch's state dicts, in this order.
    private static let prefixes = ["model.", "_orig_mod.", "module.", "transformer."]

    private func module(_ name: String) -> GPT2Parameter.Module? {
        guard self == .llamaCpp else { return GPT2Parameter.Module(rawValue: name) }
        return Self.modulesOfLlamaCpp[name]
    }

    private static func llamaCppName(of module: GPT2Parameter.Module) -> String {
        switch module {
        case .tokenEmbedding: "token_embd"
        case .positionEmbedding: "position_embd"
        case .attentionNorm: "attn_norm"
        case .attention: "attn_qkv"
        case .attentionProjection: "attn_output"
        case .feedForwardNorm: "ffn_norm"
        case .expansion: "ffn_up"
        case .contraction: "ffn_down"
        case .lastNorm: "output_norm"
        case .head: "output"
        }
    }

    private static let modulesOfLlamaCpp = Dictionary(
        uniqueKeysWithValues: GPT2Parameter.Module.allCases.map { (llamaCppName(of: $0), $0) })
}
