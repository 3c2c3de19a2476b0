public import LanguageModel

/// Which characters the model knows. V enters the certainty's scale, so the choice is a setting.
public enum AdditionVocabulary: String, CaseIterable, Codable, Hashable, Sendable {
    /// The 40 characters that occur in the task's text.
    case task
    /// The 96 of the paper: ASCII letters, digits and punctuation, space and newline.
    case printable

    /// The tokenizer over the sorted characters.
    public var tokenizer: CharacterTokenizer {
        switch self {
        case .task: CharacterTokenizer(alphabet: Self.taskCharacters)
        case .printable: CharacterTokenizer(alphabet: "\n" + (0x20...0x7E).map { Character(Unicode.Scalar($0)) })
        }
    }

    /// The letters and signs of the scratchpad's fixed words, and the digits.
    static let taskCharacters = "\n +,-/:<=>[]0123456789" + "Input" + "Target" + "scratch" + "A" + "C" + "END"
}
