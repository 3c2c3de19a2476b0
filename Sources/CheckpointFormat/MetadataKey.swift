/// The metadata keys that the tools of this project write and read.
public enum MetadataKey {
    /// What the checkpoint is: `pretrained`, `policy` or `model` (string).
    public static let kind = "crux.kind"
    /// The optimiser steps done (u64).
    public static let step = "crux.step"
    /// The resolved configuration of the run, YAML text (string).
    public static let configuration = "crux.configuration"
    /// The tokens trained on so far (u64).
    public static let tokensSeen = "crux.tokens_seen"
    /// The weights' digest of the checkpoint this one was made from (string, hexadecimal).
    public static let parent = "lineage.parent"
    /// The weights' digest of the reference policy (string, hexadecimal).
    public static let reference = "lineage.reference"
    /// The weights' digest of the pre-trained model at the chain's start (string, hexadecimal).
    public static let pretrained = "lineage.pretrained"
    /// The tokenizer's kind: `character`, or `gpt2` for GPT-2's byte pairs (string).
    public static let tokenizerModel = "tokenizer.model"
    /// The tokens in the order of their ids (array of strings).
    public static let tokenizerVocabulary = "tokenizer.vocabulary"
    /// For `gpt2`: the pairs of tokens in the order in which they are merged (array of strings).
    public static let tokenizerMerges = "tokenizer.merges"
    /// For `gpt2`: the tokens that stand for themselves in a text (array of u32).
    public static let tokenizerSpecialTokens = "tokenizer.special_tokens"
    /// For `gpt2`: the token that ends a text (u32).
    public static let tokenizerEndOfText = "tokenizer.end_of_text"
    /// The architecture: `gpt2` (string).
    public static let architecture = "model.architecture"
    /// The longest context in tokens (u32).
    public static let contextLength = "model.context_length"
    /// The size of an embedding (u32).
    public static let embeddingSize = "model.embedding_size"
    /// The number of layers (u32).
    public static let layerCount = "model.layer_count"
    /// The number of attention heads (u32).
    public static let headCount = "model.head_count"
    /// The number of tokens in the vocabulary (u32).
    public static let vocabularySize = "model.vocabulary_size"
    /// Whether linear layers and layer norms have biases (bool).
    public static let usesBiases = "model.uses_biases"
    /// The layer norms' epsilon (f32).
    public static let layerNormEpsilon = "model.layer_norm_epsilon"
}
