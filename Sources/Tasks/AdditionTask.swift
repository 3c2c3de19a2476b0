public import LanguageModel

/// Addition with scratchpad in tokens: encodes problems and judges completions.
///
/// A completion is what a model wrote after the prompt: it starts with the newline after `Target:`.
public struct AdditionTask: Hashable, Sendable {
    /// The tokenizer of the model that is trained or judged.
    public let tokenizer: CharacterTokenizer
    /// The newline's token.
    let newline: Int32
    /// The token of each ASCII character, −1 where the vocabulary lacks it, [128].
    private let tokenByASCII: [Int32]
    /// `</scratch>` and a newline.
    private let resultMarker: [Int32]

    /// Uses a checkpoint's own tokenizer.
    ///
    /// - Throws: ``TaskError`` naming the characters that the vocabulary lacks.
    public init(tokenizer: CharacterTokenizer) throws(TaskError) {
        let missing = Set(AdditionVocabulary.taskCharacters).filter { tokenizer.token($0) == nil }.sorted()
        guard missing.isEmpty else {
            throw TaskError(
                field: "tokenizer.vocabulary", found: "no \(String(missing).debugDescription)",
                expected: "all characters of addition with scratchpad")
        }
        self.init(complete: tokenizer)
    }

    /// Uses a checkpoint's own tokenizer, which must be one of characters.
    ///
    /// - Throws: ``TaskError`` where it is not, or naming the characters that the vocabulary lacks.
    public init(tokenizer: Tokenizer) throws(TaskError) {
        guard case .character(let characters) = tokenizer else {
            throw TaskError(
                field: "tokenizer.model", found: "byte pairs", expected: "one token per character, as additions need")
        }
        try self.init(tokenizer: characters)
    }

    /// Uses one of the standard vocabularies.
    public init(vocabulary: AdditionVocabulary) { self.init(complete: vocabulary.tokenizer) }

    private init(complete tokenizer: CharacterTokenizer) {
        self.tokenizer = tokenizer
        let tokens: [Int32] = (0..<128).map { tokenizer.token(Character(Unicode.Scalar(UInt8($0)))) ?? -1 }
        tokenByASCII = tokens
        newline = tokens[Int(UInt8(ascii: "\n"))]
        resultMarker = AdditionProblem.resultMarker.utf8.map { tokens[Int($0)] }
    }

    /// The tokens of a text made of the task's characters.
    func encode(_ text: String) -> [Int32] { text.utf8.map { token(ofASCII: $0) } }

    /// The token of an ASCII character of the task.
    func token(ofASCII character: UInt8) -> Int32 { tokenByASCII[Int(character & 127)] }

    /// The ASCII character of a token; 0 for any other.
    func ascii(_ token: Int32) -> UInt8 {
        guard tokenizer.vocabulary.indices.contains(Int(token)) else { return 0 }
        let bytes = tokenizer.vocabulary[Int(token)].utf8
        return bytes.count == 1 ? bytes.first ?? 0 : 0
    }

    /// The tokens of a problem's prompt.
    public func prompt(of problem: AdditionProblem) -> [Int32] { encode(problem.prompt) }

    /// The tokens of a problem's right answer.
    public func answer(of problem: AdditionProblem) -> [Int32] { encode(problem.answer) }

    /// Whether a completion has ended: its last token is the newline after the result line.
    ///
    /// Called for every token, so it looks further back only at a newline.
    public func isComplete(_ completion: [Int32]) -> Bool {
        guard completion.last == newline else { return false }
        guard let previous = completion.dropLast().lastIndex(of: newline) else { return false }
        return completion[...previous].suffix(resultMarker.count).elementsEqual(resultMarker)
    }

    /// Whether a completion ends in exactly the right result line; the steps before it do not matter.
    public func isCorrect(_ completion: [Int32], for problem: AdditionProblem) -> Bool {
        problem.isCorrect(answer: tokenizer.decode(completion))
    }

    /// The number of tokens of the longest prompt whose operands have at most that many digits.
    public static func maximumPromptLength(digits: Int) -> Int { largestProblem(digits: digits).prompt.utf8.count }

    /// The number of tokens of the longest right answer to operands of at most that many digits.
    public static func maximumAnswerLength(digits: Int) -> Int { largestProblem(digits: digits).answer.utf8.count }

    private static func largestProblem(digits: Int) -> AdditionProblem {
        AdditionProblem(nines: max(1, digits))
    }
}
