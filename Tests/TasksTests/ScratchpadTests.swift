import Tasks
import Testing

@Suite("Scratchpad text")
struct ScratchpadTests {
    @Test("The paper's example, byte for byte")
    func paperExample() throws {
        let problem = try AdditionProblem("128+367")
        let text = """
            Input:
            128+367
            Target:
            <scratch>
            [1,2,8] + [3,6,7] , A=[] , C=0 , 8+7+0=15 , A->5 , C->1
            [1,2] + [3,6] , A=[5] , C=1 , 2+6+1=9 , A->9 , C->0
            [1] + [3] , A=[9,5] , C=0 , 1+3+0=4 , A->4 , C->0
            [] + [] , A=[4,9,5] C=0 , END
            </scratch>
            4 9 5

            """
        #expect(problem.prompt == "Input:\n128+367\nTarget:")
        #expect(problem.prompt + problem.answer == text)
        #expect(problem.resultLine == "4 9 5")
    }

    @Test("A shorter operand runs empty and counts as 0; a final carry is prepended to the result")
    func unequalLengthsAndFinalCarry() throws {
        let problem = try AdditionProblem("7+95")
        #expect(
            problem.answer == """

                <scratch>
                [7] + [9,5] , A=[] , C=0 , 7+5+0=12 , A->2 , C->1
                [] + [9] , A=[2] , C=1 , 0+9+1=10 , A->0 , C->1
                [] + [] , A=[0,2] C=1 , END
                </scratch>
                1 0 2

                """)
    }

    @Test(
        "Prompt and answer together are at most as long as the paper says",
        arguments: [(7, 562), (8, 657), (11, 978), (12, 1097), (13, 1222), (16, 1633)])
    func lengths(digits: Int, count: Int) throws {
        let nines = String(repeating: "9", count: digits)
        let largest = try AdditionProblem("\(nines)+\(nines)")
        #expect((largest.prompt + largest.answer).utf8.count == count)
        #expect(
            AdditionTask.maximumPromptLength(digits: digits) + AdditionTask.maximumAnswerLength(digits: digits) == count
        )
    }

    @Test("Numbers of any length are added without overflow")
    func longNumbers() throws {
        let problem = try AdditionProblem("99999999999999999999999999999999+1")
        #expect(problem.sum == [1] + Array(repeating: 0, count: 32))
        #expect(problem.isCorrect(answer: problem.answer))
        #expect(try AdditionProblem("0+0").resultLine == "0")
    }

    @Test("Only the exact result line after the marker counts")
    func exactMatch() throws {
        let problem = try AdditionProblem("128+367")
        #expect(problem.isCorrect(answer: problem.answer))
        #expect(problem.isCorrect(answer: "\nnonsense\n</scratch>\n4 9 5\n"))
        for wrong in [
            "4 9 5", "</scratch>\n4 9 5", "</scratch>\n495\n", "</scratch>\n4 9 5 \n", "</scratch>\n4 9 6\n", "",
        ] {
            #expect(!problem.isCorrect(answer: wrong), "\(wrong)")
        }
        #expect(AdditionProblem.resultLine(inAnswer: "</scratch>\n1 2\n3") == "1 2")
    }

    @Test(
        "A problem that is not two numbers is refused",
        arguments: ["", "1", "1+", "1+2+3", "01+2", "1+-2", "a+b", "1 + 2"])
    func refusedProblems(text: String) {
        let error = #expect(throws: TaskError.self) { try AdditionProblem(text) }
        #expect(
            error?.description
                == "problem: found \(text.debugDescription), expected two numbers without leading zeros joined by '+', "
                + "for example 128+367")
    }
}
