/// What kind of text a token is.
public enum CharacterClass: String, CaseIterable, Codable, Hashable, Sendable {
    /// Nothing but decimal digits.
    case digit
    /// A comma.
    case comma
    /// Brackets of any kind.
    case bracket
    /// Punctuation and signs: `+`, `=`, `->`.
    case sign
    /// A line's end.
    case newline
    /// Other white space.
    case space
    /// Letters.
    case letter
    /// Anything else, and mixtures.
    case other

    /// The class that all characters of a text share, white space before them aside; ``other`` where they share none.
    public init(of text: String) {
        let words = text.drop { $0.isWhitespace && !$0.isNewline }
        let classes = Set((words.isEmpty ? text[...] : words).map(Self.init(of:)))
        self = classes.count == 1 ? classes.first ?? .other : .other
    }

    private init(of character: Character) {
        self =
            switch character {
            case "0"..."9": .digit
            case ",": .comma
            case "[", "]", "(", ")", "{", "}": .bracket
            case _ where character.isNewline: .newline
            case _ where character.isWhitespace: .space
            case _ where character.isLetter: .letter
            case _ where character.isPunctuation || character.isSymbol: .sign
            default: .other
            }
    }
}
