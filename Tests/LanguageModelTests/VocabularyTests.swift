import LanguageModel
import TensorCore
import Testing

@Suite struct RandomStreamTests {
    private let key = RandomStream.Key(seed: 1, purpose: .rolloutTokens, step: 3)

    @Test func aStreamIsAFunctionOfItsKeyAndSample() {
        var (first, second) = (RandomStream(key, sample: 5), RandomStream(key, sample: 5))
        #expect((0..<8).map { _ in first.next() } == (0..<8).map { _ in second.next() })
    }

    @Test func eachPartOfTheKeyChangesTheStream() {
        var starts: Set<UInt64> = []
        for seed in 0..<4 as Range<UInt64> {
            for purpose in [RandomStream.Purpose.rolloutTokens, .bootstrap] {
                for step in 0..<4 as Range<UInt64> {
                    for sample in 0..<4 as Range<UInt64> {
                        var stream = RandomStream(.init(seed: seed, purpose: purpose, step: step), sample: sample)
                        starts.insert(stream.next())
                    }
                }
            }
        }
        #expect(starts.count == 4 * 2 * 4 * 4)
    }

    @Test func unitsAreUniform() {
        var stream = RandomStream(key)
        var bins = [Int](repeating: 0, count: 10)
        for _ in 0..<100_000 { bins[Int(stream.nextUnit() * 10)] += 1 }
        // Six standard deviations of a binomial count with p = 0.1 are 570.
        for count in bins { #expect(abs(count - 10_000) < 570) }
    }
}

@Suite struct CharacterTokenizerTests {
    @Test func encodesAndDecodes() throws {
        let tokenizer = CharacterTokenizer(alphabet: "cab\n")
        #expect(tokenizer.vocabulary == ["\n", "a", "b", "c"])
        #expect(try tokenizer.encode("abc\n") == [1, 2, 3, 0])
        #expect(tokenizer.decode([1, 2, 3, 0]) == "abc\n")
        #expect(tokenizer.decode([99, -1]) == "\u{FFFD}\u{FFFD}")
    }

    @Test func namesThePlaceOfAnUnknownCharacter() {
        let tokenizer = CharacterTokenizer(alphabet: "ab\n")
        let error = #expect(throws: ModelError.self) { try tokenizer.encode("ab\nax") }
        #expect(
            error?.description
                == #"text, line 2, column 2: found "x", expected one of the 3 characters of the vocabulary"#)
    }

    @Test(arguments: [["a", "a"], ["ab"], [""]])
    func refusesVocabulariesThatAreNotSingleDistinctCharacters(vocabulary: [String]) {
        #expect(throws: ModelError.self) { try CharacterTokenizer(vocabulary: vocabulary) }
    }
}

@Suite struct ParameterLayoutTests {
    private let small = ModelConfiguration(
        vocabularySize: 7, contextLength: 5, layerCount: 2, headCount: 2, embeddingSize: 4)

    @Test func coversTheArenaWithoutGaps() throws {
        let layout = try ParameterLayout.gpt2(small)
        var end = 0
        for entry in layout.entries {
            #expect(entry.range.lowerBound == end)
            #expect(entry.range.count == entry.shape.elementCount)
            end = entry.range.upperBound
        }
        #expect(end == layout.count)
        #expect(layout["h.1.attn.c_attn.weight"]?.shape == [12, 4])
        #expect(layout["h.0.ln_1.bias"] == nil)
    }

    /// PAPER.md: 12 layers, 12 heads, d = 768, no biases, context 1024, V = 96: 85.8 M parameters.
    @Test func thePapersModelHasThePublishedSize() throws {
        let paper = ModelConfiguration(
            vocabularySize: 96, contextLength: 1024, layerCount: 12, headCount: 12, embeddingSize: 768)
        let count = try ParameterLayout.gpt2(paper).count
        #expect((85_500_000...86_000_000).contains(count))
    }

    @Test func biasesAreOptionalAndDoNotDecay() throws {
        var configuration = small
        configuration.usesBiases = true
        let layout = try ParameterLayout.gpt2(configuration)
        #expect(layout["h.0.mlp.c_fc.bias"]?.shape == [16])
        #expect(layout["h.0.mlp.c_fc.bias"]?.decays == false)
        #expect(layout["h.0.mlp.c_fc.weight"]?.decays == true)
        #expect(layout["ln_f.weight"]?.decays == false)
    }

    @Test func refusesSizesThatCannotBeBuilt() {
        var configuration = small
        configuration.headCount = 3
        let error = #expect(throws: ModelError.self) { try ParameterLayout.gpt2(configuration) }
        #expect(error?.description == "model.embedding_size: found 4, expected a multiple of head_count (3)")
    }
}

@Suite struct PackedBatchTests {
    @Test func laysSequencesOneAfterAnother() {
        var batch = PackedBatch()
        batch.append([1, 2, 3])
        batch.append([4, 5], firstPosition: 7)
        #expect(batch.tokens == [1, 2, 3, 4, 5])
        #expect(batch.positions == [0, 1, 2, 7, 8])
        #expect(batch.sequenceStarts == [0, 3, 5])
        #expect(batch.maximumSequenceLength == 3)
    }

    @Test func validationNamesTheFirstTokenOutOfRange() {
        let configuration = ModelConfiguration(
            vocabularySize: 4, contextLength: 8, layerCount: 1, headCount: 1, embeddingSize: 4)
        var batch = PackedBatch()
        batch.append([0, 3, 4])
        let error = #expect(throws: ModelError.self) { try batch.validate(for: configuration) }
        #expect(error?.description == "tokens[2]: found 4, expected 0..<4")
        var late = PackedBatch()
        late.append([0, 1], firstPosition: 7)
        #expect(throws: ModelError.self) { try late.validate(for: configuration) }
    }
}
