import Analysis
import Testing

@Suite struct ParameterPlaceTests {
    @Test(
        arguments: [
            ("wte.weight", nil, .embedding), ("wpe.weight", nil, .embedding), ("lm_head.weight", nil, .embedding),
            ("h.0.ln_1.weight", 0, .norm), ("h.11.attn.c_attn.weight", 11, .attention),
            ("h.3.attn.c_proj.bias", 3, .attention),
            ("h.3.mlp.c_fc.weight", 3, .mlp), ("ln_f.bias", nil, .norm), ("transformer.h.2.mlp.c_proj.weight", 2, .mlp),
            ("model.embed_tokens.weight", nil, .embedding), ("model.layers.4.self_attn.q_proj.weight", 4, .attention),
            ("model.layers.4.input_layernorm.weight", 4, .norm), ("model.layers.4.mlp.up_proj.weight", 4, .mlp),
            ("model.norm.weight", nil, .norm), ("token_embd.weight", nil, .embedding),
            ("output_norm.weight", nil, .norm),
            ("output.weight", nil, .embedding), ("blk.7.attn_norm.weight", 7, .norm),
            ("blk.7.attn_qkv.weight", 7, .attention),
            ("blk.7.ffn_up.weight", 7, .mlp), ("blk.7.ffn_norm.weight", 7, .norm), ("critic.0.weight", nil, .other),
            ("", nil, .other), ("h.x.attn", nil, .attention),
        ] as [(String, Int?, ParameterKind)])
    func judgesNames(name: String, layer: Int?, kind: ParameterKind) {
        let place = ParameterPlace(tensorName: name)
        #expect(place.layer == layer)
        #expect(place.kind == kind)
    }
}
