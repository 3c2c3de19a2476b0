internal import CheckpointFormat

/// GPT-2's tokenizer: text is split into words, and the bytes of each are merged pair by pair, the pair that
/// was learned first before all others.
///
/// Agrees with the packages `tokenizers` and `tiktoken`. Any bytes can be encoded where the vocabulary has a
/// token for each byte, and decoding gives back the same bytes.
public struct ByteLevelBPE: Sendable {
    /// The tokens in the order of their numbers, as vocabulary files spell them: each byte is one visible
    /// character, a space is `Ġ`. Special tokens are spelled as they are.
    public let tokens: [String]
    /// The pairs in the order in which they were learned, for example `Ġ t`.
    public let merges: [String]
    /// The tokens that stand for themselves in a text, as `<|endoftext|>`; ascending.
    public let specialTokens: [Int32]
    /// The token that ends a text.
    public let endOfText: Int32?
    /// The text of each token; U+FFFD for bytes that are no text on their own.
    public let texts: [String]
    /// The bytes of each token.
    private let bytes: [[UInt8]]
    /// The token of each byte, −1 where there is none, [256].
    private let tokenByByte: [Int32]
    private let mergeByPair: [TokenPair: Merge]
    /// The special tokens whose text starts with a byte, the longest first.
    private let specialByFirstByte: [UInt8: [Int32]]

    /// Two tokens beside each other.
    struct TokenPair: Hashable {
        let left: Int32
        let right: Int32
    }

    /// What a pair becomes.
    struct Merge {
        /// The place in the order of learning.
        let rank: Int32
        let token: Int32
    }

    /// How many special tokens there may be, so that looking for them stays cheap.
    public static let specialTokenLimit = 4096

    /// Makes a tokenizer.
    ///
    /// - Throws: ``ModelError`` for a token that occurs twice, a merge that is no pair, occurs twice or speaks of
    ///   a token that is not there, and for numbers of special tokens that are none.
    public init(
        tokens: [String], merges: [String], specialTokens: [Int32] = [], endOfText: Int32? = nil
    ) throws(ModelError) {
        guard tokens.count <= Int(Int32.max) else {
            throw ModelError(
                field: "tokenizer.vocabulary", found: "\(tokens.count) tokens", expected: "at most 2³¹ − 1")
        }
        let special = Set(specialTokens)
        for token in specialTokens + (endOfText.map { [$0] } ?? []) {
            guard tokens.indices.contains(Int(token)), !tokens[Int(token)].isEmpty else {
                throw ModelError(
                    field: "tokenizer.special_tokens", found: "\(token)",
                    expected: "the number of one of \(tokens.count) tokens that is not empty")
            }
        }
        guard special.count <= Self.specialTokenLimit else {
            throw ModelError(
                field: "tokenizer.special_tokens", found: "\(special.count) tokens",
                expected: "at most \(Self.specialTokenLimit)")
        }
        // Strings are equal where they look alike (é and e with an accent); tokens where their bytes are.
        var numbers: [[UInt8]: Int32] = [:]
        numbers.reserveCapacity(tokens.count)
        var bytes: [[UInt8]] = []
        bytes.reserveCapacity(tokens.count)
        var tokenByByte = [Int32](repeating: -1, count: 256)
        for (index, token) in tokens.enumerated() {
            guard numbers.updateValue(Int32(index), forKey: Array(token.utf8)) == nil else {
                throw ModelError(
                    field: "tokenizer.vocabulary[\(index)]", found: "\(token.debugDescription) for the second time",
                    expected: "each token once")
            }
            let isSpecial = special.contains(Int32(index))
            let content = isSpecial ? nil : ByteAlphabet.bytes(of: token)
            if let content, content.count == 1 { tokenByByte[Int(content[0])] = Int32(index) }
            bytes.append(content ?? Array(token.utf8))
        }
        self.bytes = bytes
        texts = bytes.map { String(decoding: $0, as: UTF8.self) }
        self.tokenByByte = tokenByByte
        mergeByPair = try Self.merges(merges, numbers: numbers)
        self.tokens = tokens
        self.merges = merges
        self.specialTokens = special.sorted()
        self.endOfText = endOfText
        specialByFirstByte = Dictionary(grouping: special.sorted()) { bytes[Int($0)][0] }
            .mapValues { $0.sorted { bytes[Int($0)].count > bytes[Int($1)].count } }
    }

    private static func merges(
        _ merges: [String], numbers: [[UInt8]: Int32]
    ) throws(ModelError) -> [TokenPair: Merge] {
        var mergeByPair: [TokenPair: Merge] = [:]
        mergeByPair.reserveCapacity(merges.count)
        for (rank, text) in merges.enumerated() {
            let field = "tokenizer.merges[\(rank)]"
            let parts = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw ModelError(field: field, found: text.debugDescription, expected: "two tokens and a space between")
            }
            func number(_ token: [UInt8]) throws(ModelError) -> Int32 {
                guard let number = numbers[token] else {
                    throw ModelError(
                        field: field,
                        found: "\(text.debugDescription), without "
                            + "\(String(decoding: token, as: UTF8.self).debugDescription) in the vocabulary",
                        expected: "a pair of tokens whose union is a token")
                }
                return number
            }
            let pair = TokenPair(left: try number(Array(parts[0])), right: try number(Array(parts[1])))
            let merge = Merge(rank: Int32(clamping: rank), token: try number(Array(parts[0]) + Array(parts[1])))
            guard mergeByPair.updateValue(merge, forKey: pair) == nil else {
                throw ModelError(
                    field: field, found: "\(text.debugDescription) for the second time", expected: "each pair once")
            }
        }
        return mergeByPair
    }

    /// The bytes of tokens; a number that is no token's has none.
    public func bytes(of tokens: some Sequence<Int32>) -> [UInt8] {
        tokens.reduce(into: []) { result, token in
            if bytes.indices.contains(Int(token)) { result += bytes[Int(token)] }
        }
    }

    /// The text of tokens; what is no text, or no token, becomes U+FFFD.
    public func decode(_ tokens: some Sequence<Int32>) -> String {
        var (text, pending): (String, [UInt8]) = ("", [])
        for token in tokens {
            if bytes.indices.contains(Int(token)) {
                pending += bytes[Int(token)]
            } else {
                text += String(decoding: pending, as: UTF8.self) + "\u{FFFD}"
                pending = []
            }
        }
        return text + String(decoding: pending, as: UTF8.self)
    }

    /// The token of a byte; negative where there is none.
    func token(ofByte byte: UInt8) -> Int32 { tokenByByte[Int(byte)] }

    /// What two neighbours become; nil where they were never merged.
    func merge(_ left: Int32, _ right: Int32) -> Merge? { mergeByPair[TokenPair(left: left, right: right)] }

    /// The special token that starts at an offset, the longest of several.
    func specialToken(at offset: Int, in text: [UInt8]) -> (token: Int32, byteCount: Int)? {
        guard let candidates = specialByFirstByte[text[offset]] else { return nil }
        for token in candidates where text[offset...].starts(with: bytes[Int(token)]) {
            return (token, bytes[Int(token)].count)
        }
        return nil
    }

    /// Whether a token is nothing but spaces, tabs and newlines.
    func isSpace(_ token: Int32) -> Bool { bytes[Int(token)].allSatisfy { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 } }
}

extension ByteLevelBPE: Hashable {
    /// Compares vocabularies, merges and special tokens.
    public static func == (left: ByteLevelBPE, right: ByteLevelBPE) -> Bool {
        left.tokens == right.tokens && left.merges == right.merges && left.specialTokens == right.specialTokens
            && left.endOfText == right.endOfText
    }

    /// Hashes what `==` compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(tokens)
        hasher.combine(merges)
        hasher.combine(specialTokens)
        hasher.combine(endOfText)
    }
}
