import LanguageModel
import Tasks

extension PretrainingConfiguration {
    /// The memory of a run of this configuration, by part.
    func memoryPlan(_ gpt: GPT) -> MemoryPlan {
        let workerCount = Workers.count(workers)
        var plan = MemoryPlan()
        plan.add(network: "model", gpt.layout, configuration: self)
        plan.add(
            activations: gpt.configuration, rowCount: max(execution.tokensPerShard, model.contextLength),
            workerCount: workerCount)
        plan.add(generationOfEvaluation: evaluation, gpt, trainedDigits: task.digits, workerCount: workerCount)
        return plan
    }
}

extension MemoryPlan {
    /// Adds what generates the answers of an evaluation.
    mutating func add(
        generationOfEvaluation evaluation: EvaluationConfiguration, _ gpt: GPT, trainedDigits: Int, workerCount: Int
    ) {
        guard evaluation.examples > 0, let additional = evaluation.additionalDigits.max() else { return }
        let digits = trainedDigits + additional
        add(
            "generation",
            byteCount: Generator.byteCount(
                gpt, requestCount: evaluation.examples, promptLength: AdditionTask.maximumPromptLength(digits: digits),
                newTokenCount: AdditionTask.episodeLengthLimit(digits: digits), workerCount: workerCount))
    }
}
