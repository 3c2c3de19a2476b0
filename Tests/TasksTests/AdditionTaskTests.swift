import LanguageModel
import Tasks
import Testing

@Suite("Addition in tokens")
struct AdditionTaskTests {
    @Test("The task's own vocabulary has 40 characters, the paper's 96")
    func vocabularies() throws {
        #expect(AdditionVocabulary.task.tokenizer.vocabulary.count == 40)
        #expect(AdditionVocabulary.printable.tokenizer.vocabulary.count == 96)
        #expect(AdditionVocabulary.printable.tokenizer.vocabulary.first == "\n")
        #expect(AdditionVocabulary.task.tokenizer.vocabulary == AdditionVocabulary.task.tokenizer.vocabulary.sorted())
    }

    @Test("Encoding round-trips", arguments: AdditionVocabulary.allCases)
    func encoding(vocabulary: AdditionVocabulary) throws {
        let task = AdditionTask(vocabulary: vocabulary)
        let problem = try AdditionProblem("9071+358")
        #expect(task.tokenizer.decode(task.prompt(of: problem)) == problem.prompt)
        #expect(task.tokenizer.decode(task.answer(of: problem)) == problem.answer)
        #expect(try task.tokenizer.encode(problem.answer) == task.answer(of: problem))
    }

    @Test("A tokenizer that lacks characters of the task is refused, naming them")
    func incompleteTokenizer() {
        let characters = AdditionVocabulary.task.tokenizer.vocabulary.filter { $0 != "[" && $0 != "\n" }
        let error = #expect(throws: TaskError.self) {
            try AdditionTask(tokenizer: CharacterTokenizer(vocabulary: characters))
        }
        #expect(
            error?.description
                == #"tokenizer.vocabulary: found no "\n[", expected all characters of addition with scratchpad"#)
    }

    @Test("A completion ends at the newline after the result line, not earlier")
    func completion() throws {
        let task = AdditionTask(vocabulary: .task)
        let answer = task.answer(of: try AdditionProblem("128+367"))
        for length in 0..<answer.count { #expect(!task.isComplete(Array(answer[..<length])), "\(length)") }
        #expect(task.isComplete(answer))
        #expect(task.isComplete(try task.tokenizer.encode("\n12</scratch>\n\n")))
        #expect(!task.isComplete(try task.tokenizer.encode("\n\n")))
    }

    @Test("Rewards of each rule for each outcome")
    func rewards() throws {
        let task = AdditionTask(vocabulary: .task)
        let problem = try AdditionProblem("5+6")
        let right = task.answer(of: problem)
        let wrong = task.answer(of: try AdditionProblem("5+5"))
        #expect(task.outcome(of: right, for: problem) == .correct)
        #expect(task.outcome(of: wrong, for: problem) == .wrong)
        #expect(task.outcome(of: right.dropLast(), for: problem) == .unfinished)
        let rewards = RewardRule.allCases.map { rule in Outcome.allCases.map { rule.reward(for: $0) } }
        #expect(rewards == [[1, 0, 0], [1, -1, -1], [1, -1, 0]])
    }
}
