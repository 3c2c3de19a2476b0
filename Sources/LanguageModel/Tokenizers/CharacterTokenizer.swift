/// One token per character; the vocabulary is stored in the checkpoint.
public struct CharacterTokenizer: Hashable, Sendable {
    /// The characters in token order, each a string of exactly one character.
    public let vocabulary: [String]
    private let tokenByCharacter: [Character: Int32]

    /// Makes a tokenizer.
    ///
    /// - Throws: ``ModelError`` for an entry that is not a single character or occurs twice.
    public init(vocabulary: [String]) throws(ModelError) {
        var tokens: [Character: Int32] = [:]
        for (index, entry) in vocabulary.enumerated() {
            guard entry.count == 1, let character = entry.first else {
                throw ModelError(
                    field: "tokenizer.vocabulary[\(index)]", found: entry.debugDescription, expected: "one character")
            }
            guard tokens.updateValue(Int32(index), forKey: character) == nil else {
                throw ModelError(
                    field: "tokenizer.vocabulary[\(index)]", found: "\(entry.debugDescription) for the second time",
                    expected: "each character once")
            }
        }
        self.vocabulary = vocabulary
        tokenByCharacter = tokens
    }

    /// The sorted characters of `alphabet`, each once.
    public init(alphabet: some Sequence<Character>) {
        let characters = Set(alphabet).sorted()
        vocabulary = characters.map { String($0) }
        tokenByCharacter = Dictionary(uniqueKeysWithValues: zip(characters, 0...))
    }

    /// The token of a character, or nil where the vocabulary lacks it.
    public func token(_ character: Character) -> Int32? { tokenByCharacter[character] }

    /// The tokens of a text.
    ///
    /// - Throws: ``ModelError`` naming line and column of the first character that the vocabulary lacks.
    public func encode(_ text: String) throws(ModelError) -> [Int32] {
        var tokens: [Int32] = []
        tokens.reserveCapacity(text.utf8.count)
        var (line, column) = (1, 1)
        for character in text {
            guard let token = tokenByCharacter[character] else {
                throw ModelError(
                    field: "text, line \(line), column \(column)", found: String(character).debugDescription,
                    expected: "one of the \(vocabulary.count) characters of the vocabulary")
            }
            tokens.append(token)
            (line, column) = character.isNewline ? (line + 1, 1) : (line, column + 1)
        }
        return tokens
    }

    /// The text of tokens; a token that the vocabulary lacks becomes U+FFFD.
    public func decode(_ tokens: some Sequence<Int32>) -> String {
        tokens.reduce(into: "") { text, token in
            text += vocabulary.indices.contains(Int(token)) ? vocabulary[Int(token)] : "\u{FFFD}"
        }
    }
}
