import CheckpointFormat
import CheckpointInterop
import OrderedCollections
import TensorCore
import Testing

@Suite struct GPT2NamesTests {
    /// The table of the three tools' names, as their documents give it.
    static let table: [(huggingFace: String, nanoGPT: String, llamaCpp: String)] = [
        ("transformer.wte.weight", "wte.weight", "token_embd.weight"),
        ("transformer.wpe.weight", "wpe.weight", "position_embd.weight"),
        ("transformer.h.0.ln_1.weight", "h.0.ln_1.weight", "blk.0.attn_norm.weight"),
        ("transformer.h.0.ln_1.bias", "h.0.ln_1.bias", "blk.0.attn_norm.bias"),
        ("transformer.h.11.attn.c_attn.weight", "h.11.attn.c_attn.weight", "blk.11.attn_qkv.weight"),
        ("transformer.h.11.attn.c_attn.bias", "h.11.attn.c_attn.bias", "blk.11.attn_qkv.bias"),
        ("transformer.h.2.attn.c_proj.weight", "h.2.attn.c_proj.weight", "blk.2.attn_output.weight"),
        ("transformer.h.2.ln_2.bias", "h.2.ln_2.bias", "blk.2.ffn_norm.bias"),
        ("transformer.h.2.mlp.c_fc.weight", "h.2.mlp.c_fc.weight", "blk.2.ffn_up.weight"),
        ("transformer.h.2.mlp.c_proj.weight", "h.2.mlp.c_proj.weight", "blk.2.ffn_down.weight"),
        ("transformer.ln_f.weight", "ln_f.weight", "output_norm.weight"),
        ("lm_head.weight", "lm_head.weight", "output.weight"),
    ]

    @Test(arguments: table.indices)
    func mapsEveryNameToEveryOther(row: Int) throws {
        let names: [GPT2Naming: String] = [
            .huggingFace: Self.table[row].huggingFace, .nanoGPT: Self.table[row].nanoGPT,
            .llamaCpp: Self.table[row].llamaCpp,
        ]
        for (naming, name) in names {
            guard case .parameter(let parameter) = naming.meaning(of: name) else {
                Issue.record("\(name) is not recognised")
                continue
            }
            for (other, expected) in names { #expect(other.name(of: parameter) == expected) }
            #expect(
                naming.isTransposed(parameter) == (naming == .huggingFace && name.contains(/c_(attn|fc|proj)\.weight/)))
        }
    }

    @Test(arguments: [
        "h.0.attn.c_attn.weight", "transformer.h.0.attn.c_attn.weight", "_orig_mod.transformer.h.0.attn.c_attn.weight",
        "module.transformer.h.0.attn.c_attn.weight",
    ])
    func acceptsPrefixes(name: String) {
        #expect(
            GPT2Naming.nanoGPT.meaning(of: name)
                == GPT2Parameter(.attention, block: 0).map(GPT2Naming.Meaning.parameter))
    }

    @Test(arguments: [
        "", ".", "h", "h.0", "h.0.attn", "h.00.ln_1.weight", "h.-1.ln_1.weight", "h.+1.ln_1.weight",
        "h.99999999999999999999.ln_1.weight", "h.0.wte.weight", "ln_1.weight", "wte.bias", "lm_head.bias",
        "h.0.ln_1.weights", "xh.0.ln_1.weight", "transformer.transformer.wte.weight", "h.0.attn.c_attn.weight.x",
        "h.0.attn.mask", "blk.0.attn_q.weight", "attn.bias",
    ])
    func refusesOtherNames(name: String) {
        for naming in GPT2Naming.allCases { #expect(naming.meaning(of: name) == nil) }
    }

    @Test func knowsMasks() {
        for name in ["h.3.attn.bias", "transformer.h.3.attn.masked_bias"] {
            #expect(GPT2Naming.huggingFace.meaning(of: name) == .causalMask(block: 3))
            #expect(GPT2Naming.nanoGPT.meaning(of: name) == .causalMask(block: 3))
            #expect(GPT2Naming.llamaCpp.meaning(of: name) == nil)
        }
    }

    private func names(_ tensors: [(String, Shape)], metadata: Metadata = [:]) throws -> GPT2Names? {
        GPT2Names(
            try tensors.map { try TensorDescription(name: $0.0, dtype: .f32, shape: $0.1) }, metadata: metadata)
    }

    @Test func shapesDecideWhoseNamesTheyAre() throws {
        for (name, inOut): (String, Shape) in [
            ("h.0.attn.c_attn.weight", [4, 12]), ("h.0.mlp.c_fc.weight", [4, 16]), ("h.0.mlp.c_proj.weight", [16, 4]),
        ] {
            let outIn = Shape(inOut.dimensions.reversed())
            #expect(try names([("wte.weight", [7, 4]), (name, inOut)])?.naming == .huggingFace)
            let nanoGPT = try #require(try names([("wte.weight", [7, 4]), (name, outIn)]))
            #expect(nanoGPT.naming == .nanoGPT)
            #expect(!nanoGPT.isAmbiguous)
            #expect(nanoGPT.evidence == "the shapes of the linear layers")
        }
        #expect(try names([("token_embd.weight", [7, 4]), ("blk.0.attn_qkv.weight", [12, 4])])?.naming == .llamaCpp)
    }

    @Test func saysWhatIsAmbiguous() throws {
        let square: [(String, Shape)] = [("wte.weight", [7, 4]), ("h.0.attn.c_proj.weight", [4, 4])]
        let names = try #require(try names(square))
        #expect(names.isAmbiguous)
        #expect(names.evidence == "nothing: there are only square matrices")
        let described = try #require(try self.names(square, metadata: ["model.architecture": .string("gpt2")]))
        #expect(!described.isAmbiguous)
        #expect(described.evidence == "the metadata are crux's")
        let tables = try #require(try self.names([("wte.weight", [7, 4])]))
        #expect(!tables.isAmbiguous)
    }

    @Test func refusesWhatIsNotGPT2() throws {
        #expect(try names([]) == nil)
        #expect(try names([("model.layers.0.mlp.up_proj.weight", [16, 4])]) == nil)
        // Norms alone could be any transformer's.
        #expect(try names([("ln_f.weight", [4])]) == nil)
        // One parameter twice.
        #expect(try names([("wte.weight", [7, 4]), ("transformer.wte.weight", [7, 4])]) == nil)
        // Both orientations.
        #expect(
            try names([
                ("wte.weight", [7, 4]), ("h.0.attn.c_attn.weight", [4, 12]), ("h.0.mlp.c_fc.weight", [16, 4]),
            ]) == nil)
        #expect(try names([("token_embd.weight", [7, 4]), ("blk.0.attn_qkv.weight", [4, 12])]) == nil)
        #expect(try names([("wte.weight", [7, 4])], metadata: ["model.architecture": .string("llama")]) == nil)
        #expect(
            try names([("token_embd.weight", [7, 4])], metadata: ["general.architecture": .string("llama")]) == nil)
    }

    @Test func tellsParametersFromMasksAndStrangers() throws {
        let names = try #require(
            try names([
                ("transformer.wte.weight", [7, 4]), ("transformer.h.0.attn.c_attn.weight", [4, 12]),
                ("transformer.h.0.attn.bias", [1, 1, 8, 8]), ("v_head.summary.weight", [1, 4]),
            ]))
        #expect(names.meaning(of: "transformer.h.0.attn.bias") == .causalMask(block: 0))
        #expect(names.parameter(of: "transformer.h.0.attn.bias") == nil)
        #expect(names.meaning(of: "v_head.summary.weight") == nil)
        let parameter = try #require(names.parameter(of: "transformer.h.0.attn.c_attn.weight"))
        #expect(parameter == GPT2Parameter(.attention, block: 0))
        #expect(names.name(of: parameter) == "transformer.h.0.attn.c_attn.weight")
        #expect(names.parameters.count == 2)
    }
}
