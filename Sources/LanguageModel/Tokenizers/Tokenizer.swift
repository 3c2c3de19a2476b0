/// How a model's text becomes tokens and back.
public enum Tokenizer: Hashable, Sendable {
    /// One token per character.
    case character(CharacterTokenizer)
    /// Byte pairs as GPT-2 merges them.
    case byteLevelBPE(ByteLevelBPE)

    /// The text of each token, in the order of the tokens; U+FFFD for bytes that are no text on their own.
    public var vocabulary: [String] {
        switch self {
        case .character(let tokenizer): tokenizer.vocabulary
        case .byteLevelBPE(let tokenizer): tokenizer.texts
        }
    }

    /// What tells each token from all others, in the order of the tokens: several tokens of byte pairs can have the
    /// same text.
    public var spellings: [String] {
        switch self {
        case .character(let tokenizer): tokenizer.vocabulary
        case .byteLevelBPE(let tokenizer): tokenizer.tokens
        }
    }

    /// The token after which a text has ended; nil where the tokenizer has none.
    public var endOfText: Int32? {
        switch self {
        case .character: nil
        case .byteLevelBPE(let tokenizer): tokenizer.endOfText
        }
    }

    /// The tokens of a text.
    ///
    /// - Throws: ``ModelError`` naming line and column of the first character that the vocabulary lacks.
    public func encode(_ text: String) throws(ModelError) -> [Int32] {
        switch self {
        case .character(let tokenizer): try tokenizer.encode(text)
        case .byteLevelBPE(let tokenizer): try tokenizer.encode(text)
        }
    }

    /// The text of tokens; what is no text, or no token, becomes U+FFFD.
    public func decode(_ tokens: some Sequence<Int32>) -> String {
        switch self {
        case .character(let tokenizer): tokenizer.decode(tokens)
        case .byteLevelBPE(let tokenizer): tokenizer.decode(tokens)
        }
    }
}
