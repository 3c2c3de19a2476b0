import LanguageModel
import Tasks
import Testing
import Training

@Suite("Pre-training data")
struct PretrainingDataTests {
    private func data(_ overrides: [String]) throws -> (PretrainingData, PretrainingConfiguration, AdditionTask) {
        let configuration = try ConfigurationLoader.load(
            PretrainingConfiguration.self, yaml: nil,
            overrides: ["data.examples_per_step=40", "task.digits=2", "model.context_length=300"] + overrides)
        let task = AdditionTask(vocabulary: .task)
        return (PretrainingData(task: task, configuration: configuration), configuration, task)
    }

    @Test("Examples at random offsets: whole, within the context, learned on the answer only")
    func randomOffset() throws {
        let (data, configuration, task) = try data([])
        let sequences = data.sequences(step: 3)
        #expect(sequences.count == 40)
        var offsets: Set<Int> = []
        for sequence in sequences {
            #expect(sequence.firstPosition + sequence.tokens.count <= configuration.model.contextLength)
            offsets.insert(sequence.firstPosition)
            let text = task.tokenizer.decode(sequence.tokens + [sequence.targets[sequence.targets.count - 1]])
            let problem = try AdditionProblem(String(text.split(separator: "\n")[1]))
            #expect(text == problem.prompt + problem.answer)
            let learned = sequence.targets.filter { $0 >= 0 }
            #expect(task.tokenizer.decode(learned) == problem.answer)
            #expect(sequence.targets.prefix { $0 < 0 }.count == problem.prompt.utf8.count - 1)
        }
        #expect(offsets.count > 20)
    }

    @Test("A packed stream fills the context and starts anywhere in an example")
    func packedStream() throws {
        let (data, configuration, task) = try data(["data.placement=packed-stream", "data.loss_tokens=everything"])
        let sequences = data.sequences(step: 1)
        #expect(sequences.allSatisfy { $0.tokens.count == configuration.model.contextLength && $0.firstPosition == 0 })
        #expect(sequences.allSatisfy { Array($0.tokens.dropFirst()) == $0.targets.dropLast() })
        let starts = sequences.map { task.tokenizer.decode($0.tokens.prefix(6)) }
        #expect(starts.count { $0 == "Input:" } < 10)
    }

    @Test("Sequences are a function of seed and step")
    func counterBased() throws {
        let (first, _, _) = try data([])
        let (second, _, _) = try data(["seed=2"])
        #expect(first.sequences(step: 5) == first.sequences(step: 5))
        #expect(first.sequences(step: 5) != first.sequences(step: 6))
        #expect(first.sequences(step: 5) != second.sequences(step: 5))
    }
}
