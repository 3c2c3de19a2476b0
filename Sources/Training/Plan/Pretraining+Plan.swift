import CheckpointFormat
import LanguageModel
public import SystemPackage
import Tasks

extension Pretraining {
    /// What the run is going to take: checks everything that can be checked before it, then trains a few steps in memory
    /// to see how fast the machine is. No file is written.
    ///
    /// - Parameter resumed: The checkpoint to go on from; nil to start afresh.
    /// - Throws: What ``run(checkpoint:resume:metricsFile:tensorBoardFolder:stop:progress:)`` throws.
    public func plan(resuming resumed: FilePath? = nil) throws -> RunPlan {
        let gpt = try GPT(configuration.modelConfiguration)
        let memory = configuration.memoryPlan(gpt)
        try memory.check(parameterCount: gpt.layout.count)
        var firstStep = 0
        if let resumed {
            let reader = try CheckpointReader(path: resumed)
            firstStep = try PretrainingSession(configuration, resuming: reader).state.step
        }
        let data = PretrainingData(
            task: AdditionTask(vocabulary: configuration.task.vocabulary), configuration: configuration.scaled(to: 64))
        let lengths = data.sequences(step: 1).map { Double($0.tokens.count) }
        let meanLength = lengths.reduce(0, +) / Double(max(1, lengths.count))
        let workerCount = Workers.count(configuration.workers)
        let perShard = max(1, Double(configuration.execution.tokensPerShard) / meanLength)
        let countPerStep = configuration.data.examplesPerStep * configuration.data.accumulation
        let measured = try Calibration(
            countPerStep: countPerStep, smallestCount: Int((perShard * Double(workerCount)).rounded(.up)),
            session: { count, exampleCount in
                var settings = configuration.scaled(to: count)
                settings.evaluation.examples = exampleCount
                settings.checkpoint = CheckpointConfiguration()
                return try PretrainingSession(settings, resuming: nil)
            }
        ).run(evaluation: configuration.evaluation)
        return RunPlan(
            model: gpt.configuration, parameterCount: gpt.layout.count, criticParameterCount: nil, memory: memory,
            checkpointByteCount: configuration.checkpoint.byteCount(model: gpt.layout, critic: nil),
            workerCount: workerCount, firstStep: firstStep, tokensPerStep: measured.tokensPerStep,
            operationsPerToken: gpt.configuration.trainingOperationsPerToken(sequenceLength: meanLength),
            steps: .init(count: max(0, configuration.steps - firstStep), seconds: measured.secondsPerStep),
            evaluations: .init(
                count: configuration.evaluationCount(after: firstStep), seconds: measured.secondsPerEvaluation),
            measuredCount: measured.measuredCount, countPerStep: countPerStep)
    }
}

extension PretrainingConfiguration {
    /// The same with so many sequences in a step, or fewer where it has fewer.
    fileprivate func scaled(to count: Int) -> PretrainingConfiguration {
        var configuration = self
        configuration.data.examplesPerStep = min(count, data.examplesPerStep * data.accumulation)
        configuration.data.accumulation = 1
        return configuration
    }
}

extension CheckpointConfiguration {
    /// The bytes of a whole save's tensors, before they are compressed.
    func byteCount(model: ParameterLayout, critic: ParameterLayout?) -> Int {
        let bytesPerWeight =
            switch weights {
            case .f32: 4
            case .bf16: 6
            case .bf16Only: 2
            }
        return model.count * (bytesPerWeight + 8) + (critic.map { $0.count * 12 } ?? 0)
    }
}
