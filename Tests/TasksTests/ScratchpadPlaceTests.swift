import LanguageModel
import Tasks
import Testing

@Suite struct ScratchpadPlaceTests {
    let task = AdditionTask(vocabulary: .task)

    /// The completion's text by part, step by step, each run of tokens with the same place in one piece.
    private func pieces(_ completion: String) throws -> [String] {
        let tokens = try task.tokenizer.encode(completion)
        let places = task.scratchpadPlaces(in: tokens)
        #expect(places.count == tokens.count)
        var pieces: [(place: ScratchpadPlace, text: String)] = []
        for (place, token) in zip(places, tokens) {
            if pieces.last?.place == place {
                pieces[pieces.count - 1].text += task.tokenizer.decode([token])
            } else {
                pieces.append((place, task.tokenizer.decode([token])))
            }
        }
        return pieces.map { "\($0.place.step.map(String.init) ?? "-") \($0.place.part.rawValue): \($0.text)" }
    }

    @Test func everyTokenOfARightAnswerHasItsPlace() throws {
        let problem = try AdditionProblem("12+9")
        #expect(
            try pieces(problem.answer) == [
                "- frame: \n<scratch>\n", "1 operand 1: [1,2]", "1 computation:  + ", "1 operand 2: [9]",
                "1 computation:  , A=", "1 result so far: []", "1 computation:  , C=0 , 2+9+0=11 , A->1 , C->1\n",
                "2 operand 1: [1]", "2 computation:  + ", "2 operand 2: []", "2 computation:  , A=",
                "2 result so far: [1]", "2 computation:  , C=1 , 1+0+1=2 , A->2 , C->0\n", "3 operand 1: []",
                "3 computation:  + ", "3 operand 2: []", "3 computation:  , A=", "3 result so far: [2,1]",
                "3 computation:  C=0 , END\n", "- frame: </scratch>\n", "- result line: 2 1\n",
            ])
    }

    @Test func brokenAnswersHavePlacesToo() throws {
        #expect(try pieces("[1,2\n[") == ["1 operand 1: [1,2\n", "2 operand 1: ["])
        #expect(try pieces("]A[") == ["- frame: ]A["])
        #expect(try pieces("") == [])
    }
}
