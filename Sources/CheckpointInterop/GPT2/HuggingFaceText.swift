internal import CheckpointFormat
internal import OrderedCollections
internal import TensorCore

/// The JSON files of a Hugging Face folder.
enum HuggingFaceText {
    /// Names and content of all files beside the weights.
    static func files(_ description: GPT2Description, dtype: DType) -> [(name: String, text: String)] {
        var files = [("config.json", configuration(description, dtype: dtype))]
        let tokenizer = description.tokenizer
        guard let tokens = tokenizer[MetadataKey.tokenizerVocabulary]?.stringArrayValue else { return files }
        if tokenizer[MetadataKey.tokenizerModel]?.stringValue == "gpt2" {
            let merges = tokenizer[MetadataKey.tokenizerMerges]?.stringArrayValue ?? []
            files.append(("tokenizer.json", bytePairs(tokens, merges, special: specialTokens(tokenizer))))
            files.append(("vocab.json", vocabulary(tokens) + "\n"))
            files.append(("merges.txt", (["#version: 0.2"] + merges).joined(separator: "\n") + "\n"))
        } else {
            files.append(("tokenizer.json", characters(tokens)))
        }
        var json = JSONText()
        json.append(
            verbatim:
                "{\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n  \"clean_up_tokenization_spaces\": false,\n")
        if let end = endOfText(tokenizer), tokens.indices.contains(end) {
            for key in ["bos_token", "eos_token"] {
                json.append(verbatim: "  \"\(key)\": ")
                json.append(string: tokens[end])
                json.append(verbatim: ",\n")
            }
        }
        json.append(verbatim: "  \"model_max_length\": \(description.contextLength)\n}\n")
        files.append(("tokenizer_config.json", json.string))
        return files
    }

    private static func endOfText(_ tokenizer: Metadata) -> Int? { tokenizer[MetadataKey.tokenizerEndOfText]?.intValue }

    private static func specialTokens(_ tokenizer: Metadata) -> [Int] {
        guard case .array(let array) = tokenizer[MetadataKey.tokenizerSpecialTokens] else { return [] }
        return array.elements.compactMap(\.intValue)
    }

    private static func configuration(_ model: GPT2Description, dtype: DType) -> String {
        let name =
            switch dtype {
            case .f16: "float16"
            case .bf16: "bfloat16"
            case .f64: "float64"
            default: "float32"
            }
        let end = endOfText(model.tokenizer).map { "\($0)" } ?? "null"
        return """
            {
              "activation_function": "gelu_new",
              "architectures": ["GPT2LMHeadModel"],
              "attn_pdrop": 0.0,
              "bos_token_id": \(end),
              "dtype": "\(name)",
              "embd_pdrop": 0.0,
              "eos_token_id": \(end),
              "layer_norm_epsilon": \(model.layerNormEpsilon),
              "model_type": "gpt2",
              "n_embd": \(model.embeddingSize),
              "n_head": \(model.headCount),
              "n_inner": null,
              "n_layer": \(model.layerCount),
              "n_positions": \(model.contextLength),
              "resid_pdrop": 0.0,
              "tie_word_embeddings": true,
              "torch_dtype": "\(name)",
              "vocab_size": \(model.vocabularySize)
            }

            """
    }

    private static func vocabulary(_ tokens: [String]) -> String {
        var json = JSONText()
        json.append("{", tokens.enumerated(), "}") { json, entry in
            json.append(string: entry.element)
            json.append(verbatim: ":\(entry.offset)")
        }
        return json.string
    }

    private static func bytePairs(_ tokens: [String], _ merges: [String], special: [Int]) -> String {
        let byteLevel = #"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}"#
        var json = JSONText()
        json.append(verbatim: #"{"version":"1.0","truncation":null,"padding":null,"added_tokens":"#)
        json.append("[", special, "]") { json, token in
            json.append(verbatim: "{\"id\":\(token),\"content\":")
            json.append(string: tokens.indices.contains(token) ? tokens[token] : "")
            json.append(
                verbatim: #","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}"#)
        }
        json.append(verbatim: #","normalizer":null,"pre_tokenizer":\#(byteLevel),"post_processor":null,"#)
        json.append(verbatim: #""decoder":\#(byteLevel),"model":{"type":"BPE","dropout":null,"unk_token":null,"#)
        json.append(verbatim: #""continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"#)
        json.append(verbatim: #""byte_fallback":false,"ignore_merges":false,"vocab":"#)
        json.append(verbatim: vocabulary(tokens))
        json.append(verbatim: ",\"merges\":")
        json.append("[", merges, "]") { $0.append(string: $1) }
        json.append(verbatim: "}}\n")
        return json.string
    }

    /// One token per character: a text is split at every grapheme cluster, and each is looked up whole.
    private static func characters(_ tokens: [String]) -> String {
        #"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,"#
            + #""pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\X"},"behavior":"Isolated","invert":false},"#
            + #""post_processor":null,"decoder":{"type":"Fuse"},"model":{"type":"WordLevel","vocab":"#
            + vocabulary(tokens) + #","unk_token":"<unk>"}}"# + "\n"
    }
}
