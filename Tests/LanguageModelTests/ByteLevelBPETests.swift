import CheckpointFormat
import Foundation
import LanguageModel
import OrderedCollections
import SystemPackage
import TestSupport
import Testing

/// Against what `tokenizers` and `tiktoken` made of hard strings; see `fixtures/peers/make_gpt2.py`.
@Suite struct ByteLevelBPETests {
    private func json(_ name: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(Fixtures.path("peers/gpt2/\(name)").readBytes()))
    }

    private func tokenizer() throws -> ByteLevelBPE {
        let numbers = try #require(try json("model/vocab.json") as? [String: Int])
        let merges = String(decoding: try Fixtures.path("peers/gpt2/model/merges.txt").readBytes(), as: UTF8.self)
        return try ByteLevelBPE(
            tokens: numbers.sorted { $0.value < $1.value }.map(\.key),
            merges: merges.split(separator: "\n").dropFirst().map(String.init), specialTokens: [0], endOfText: 0)
    }

    @Test func agreesWithTokenizersAndTiktokenOnHardStrings() throws {
        let tokenizer = try tokenizer()
        let cases = try #require(try json("strings.json") as? [[Any]])
        #expect(cases.count == 132)
        for entry in cases {
            let text = try #require(entry[0] as? String)
            let tokens = try tokenizer.encode(text)
            #expect(tokens == entry[1] as? [Int32], "\(text.debugDescription)")
            #expect(
                try tokenizer.encode(text, recognisesSpecialTokens: false) == entry[2] as? [Int32],
                "\(text.debugDescription)")
            #expect(tokenizer.bytes(of: tokens) == Array(text.utf8))
            #expect(tokenizer.decode(tokens).utf8.elementsEqual(text.utf8))
        }
    }

    @Test func agreesWithTiktokenOnBytesThatAreNoText() throws {
        let tokenizer = try tokenizer()
        let cases = try #require(try json("bytes.json") as? [[Any]])
        #expect(cases.count == 15)
        for entry in cases {
            let hexadecimal = Array(try #require(entry[0] as? String))
            let bytes = stride(from: 0, to: hexadecimal.count, by: 2).map {
                UInt8(String(hexadecimal[$0...$0 + 1]), radix: 16) ?? 0
            }
            let tokens = try tokenizer.encode(bytes: bytes)
            #expect(tokens == entry[1] as? [Int32], "\(bytes)")
            #expect(tokenizer.bytes(of: tokens) == bytes)
        }
    }

    @Test func decodingGivesBackAnyBytes() throws {
        let tokenizer = try tokenizer()
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<300 {
            // Few different bytes, so that spaces, quotes and broken sequences meet often.
            let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? UInt8.random(in: 0...255, using: &generator)
                    : [0x20, 0x27, 0x73, 0x0A, 0xC3, 0xA9].randomElement(using: &generator) ?? 0
            }
            #expect(tokenizer.bytes(of: try tokenizer.encode(bytes: bytes)) == bytes)
        }
    }

    /// A word of 400 000 letters takes as long per letter as a short one; a quadratic merge would take hours.
    @Test func mergesLongWordsInTime() throws {
        let tokenizer = try tokenizer()
        for word in [String(repeating: "x", count: 400_000), String(repeating: "tensor", count: 60_000)] {
            #expect(tokenizer.decode(try tokenizer.encode(word)) == word)
        }
        #expect(tokenizer.decode(try tokenizer.encode(bytes: Array(repeating: 0xFF, count: 100_000))).count == 100_000)
    }

    @Test func metadataKeepsTheTokenizer() throws {
        let tokenizer = Tokenizer.byteLevelBPE(try tokenizer())
        let metadata = tokenizer.metadata
        #expect(try Tokenizer(metadata: metadata) == tokenizer)
        #expect(tokenizer.endOfText == 0)
        #expect(tokenizer.vocabulary[0] == "<|endoftext|>")
        let characters = Tokenizer.character(CharacterTokenizer(alphabet: "abc"))
        #expect(try Tokenizer(metadata: characters.metadata) == characters)
        // Without a kind, as older files have it.
        #expect(
            try Tokenizer(metadata: ["tokenizer.vocabulary": .array(MetadataArray(["a", "b", "c"]))]) == characters)
    }

    private func message(
        _ tokens: [String], _ merges: [String] = [], special: [Int32] = [], end: Int32? = nil
    ) -> String? {
        #expect(throws: ModelError.self) {
            try ByteLevelBPE(tokens: tokens, merges: merges, specialTokens: special, endOfText: end)
        }?.description
    }

    @Test func refusesVocabulariesThatContradictThemselves() throws {
        #expect(
            message(["a", "b", "a"])
                == "tokenizer.vocabulary[2]: found \"a\" for the second time, expected each token once")
        #expect(
            message(["a", "b", "ab"], ["a b", "a c"])
                == "tokenizer.merges[1]: found \"a c\", without \"c\" in the vocabulary, "
                + "expected a pair of tokens whose union is a token")
        #expect(
            message(["a", "b"], ["a b"])
                == "tokenizer.merges[0]: found \"a b\", without \"ab\" in the vocabulary, "
                + "expected a pair of tokens whose union is a token")
        for merge in ["", "a", "a b c", " a", "a ", " "] {
            #expect(
                message(["a", "b", "ab"], [merge])
                    == "tokenizer.merges[0]: found \(merge.debugDescription), expected two tokens and a space between")
        }
        #expect(
            message(["a", "b", "ab"], ["a b", "a b"])
                == "tokenizer.merges[1]: found \"a b\" for the second time, expected each pair once")
        for token in [-1, 2] as [Int32] {
            #expect(
                message(["a", "b"], special: [token])
                    == "tokenizer.special_tokens: found \(token), expected the number of one of 2 tokens that is not empty"
            )
            #expect(message(["a", "b"], end: token) != nil)
        }
        #expect(message([""], special: [0]) != nil)
        let many = (0...ByteLevelBPE.specialTokenLimit).map { "<\($0)>" }
        #expect(
            message(many, special: (0..<Int32(many.count)).map(\.self))
                == "tokenizer.special_tokens: found 4097 tokens, expected at most 4096")
        // Composed and decomposed letters are different tokens.
        #expect(try ByteLevelBPE(tokens: ["e\u{301}", "\u{E9}"], merges: []).tokens.count == 2)
        let error = #expect(throws: ModelError.self) {
            try Tokenizer(metadata: ["tokenizer.model": .string("unigram")])
        }
        #expect(error?.description == "tokenizer.model: found \"unigram\", expected \"character\" or \"gpt2\"")
    }

    @Test func saysWhichByteTheVocabularyLacks() throws {
        let tokenizer = try ByteLevelBPE(tokens: ["a", "b"], merges: [])
        let error = #expect(throws: ModelError.self) { try tokenizer.encode("abc") }
        #expect(error?.description == "text, byte 2: found 0x63, expected one of the 2 bytes of the vocabulary")
        #expect(tokenizer.decode([0, 7, 1, -1]) == "a\u{FFFD}b\u{FFFD}")
    }

    @Test func longestSpecialTokenWins() throws {
        let tokenizer = try ByteLevelBPE(tokens: ["a", "<", ">", "<a", "<a>"], merges: [], specialTokens: [3, 4])
        #expect(try tokenizer.encode("a<a><aa<") == [0, 4, 3, 0, 1])
        #expect(try tokenizer.encode("<a>", recognisesSpecialTokens: false) == [1, 0, 2])
    }
}
