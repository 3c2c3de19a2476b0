import LanguageModel
import Tasks
import Testing

@Suite("Critical tokens")
struct CriticalTokenTests {
    private let task = AdditionTask(vocabulary: .task)

    /// Each critical token as name, position and right character.
    private func labels(_ completion: String, of problem: String, trainedDigits: Int) throws -> [String] {
        try task.criticalTokens(
            in: task.tokenizer.encode(completion), of: AdditionProblem(problem), trainedDigits: trainedDigits
        ).map { "\($0.critical.name) @\($0.critical.position) \(task.tokenizer.decode([$0.rightToken]))" }
    }

    @Test("Of 128+367 after training on 2 digits, by hand")
    func byHand() throws {
        // "\n<scratch>\n" has 11 characters; line 1 starts at 11: [1,2,8] + [3,6,7] …
        // position 11 is '[', 12 '1', 13 ',', 14 '2', 15 ',', 16 '8', 17 ']', 21 '[', 26 '7'.
        let answer = try AdditionProblem("128+367").answer
        let labels = try labels(answer, of: "128+367", trainedDigits: 2)
        #expect(
            labels == [
                "step_1/operand_1/n+1_comma @15 ,", "step_1/operand_1/n+1_digit @16 8",
                "step_1/operand_2/n+1_comma @25 ,", "step_1/operand_2/n+1_digit @26 7",
                // Line 1 has 56 characters, so that line 2 starts at 67: [1,2] + [3,6] …
                "step_2/operand_1/n+1_comma @69 ,", "step_2/operand_1/n+1_digit @70 2",
                "step_2/operand_2/n+1_comma @77 ,", "step_2/operand_2/n+1_digit @78 6",
                // Line 2 has 52 characters: line 3 starts at 119: [1] + [3] …, without a comma.
                "step_3/operand_1/n+1_digit @120 1", "step_3/operand_2/n+1_digit @126 3",
            ])
    }

    @Test("Two digits more: n+1 and n+2; an operand within N has none")
    func twoDigitsMore() throws {
        let names = try labels(AdditionProblem("1234+56").answer, of: "1234+56", trainedDigits: 2).map {
            $0.split(separator: " ")[0]
        }
        #expect(
            names == [
                "step_1/operand_1/n+1_comma", "step_1/operand_1/n+1_digit",
                "step_1/operand_1/n+2_comma", "step_1/operand_1/n+2_digit",
                "step_2/operand_1/n+1_comma", "step_2/operand_1/n+1_digit",
                "step_2/operand_1/n+2_comma", "step_2/operand_1/n+2_digit",
                "step_3/operand_1/n+1_digit", "step_3/operand_1/n+2_comma", "step_3/operand_1/n+2_digit",
            ])
        #expect(try labels(AdditionProblem("12+56").answer, of: "12+56", trainedDigits: 2).isEmpty)
    }

    @Test("Closing the list too early is reported; nothing of that operand after it")
    func earlyClose() throws {
        let labels = try labels(
            "\n<scratch>\n[1,2] + [3,6,7] , A=[] \n[1,2] + [3,6]\n", of: "128+367", trainedDigits: 2)
        #expect(
            labels == [
                "step_1/operand_1/n+1_comma @15 ,",
                "step_1/operand_2/n+1_comma @23 ,", "step_1/operand_2/n+1_digit @24 7",
                "step_2/operand_2/n+1_comma @45 ,", "step_2/operand_2/n+1_digit @46 6",
            ])
    }

    @Test("A wrong digit before the critical ones ends the list; runaway lists end at the true length")
    func wrongDigit() throws {
        #expect(
            try labels("\n<scratch>\n[9,2,8] + [3,6,7,7,7,7", of: "128+367", trainedDigits: 2) == [
                "step_1/operand_2/n+1_comma @25 ,", "step_1/operand_2/n+1_digit @26 7",
            ])
        #expect(try labels("", of: "128+367", trainedDigits: 2).isEmpty)
        #expect(try labels("[[[[", of: "128+367", trainedDigits: 2).isEmpty)
    }

    @Test("For the right answer the right tokens are the answer's own")
    func rightAnswer() throws {
        let problem = try AdditionProblem("98765+4321")
        let answer = task.answer(of: problem)
        let labels = task.criticalTokens(ofAnswerTo: problem, trainedDigits: 3)
        #expect(!labels.isEmpty)
        #expect(labels.allSatisfy { answer[$0.critical.position] == $0.rightToken })
    }
}
