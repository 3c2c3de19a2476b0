import CheckpointFormat
import LanguageModel
public import SystemPackage

extension FineTuning {
    /// What the run is going to take: checks everything that can be checked before it, then trains a few steps in memory
    /// to see how fast the machine is. No file is written.
    ///
    /// - Parameters:
    ///   - referencePath: The pre-trained checkpoint.
    ///   - resumed: The checkpoint to go on from; nil to start from the reference.
    /// - Throws: What ``run(reference:checkpoint:resume:metricsFile:tensorBoardFolder:stop:progress:)`` throws.
    public func plan(reference referencePath: FilePath, resuming resumed: FilePath? = nil) throws -> RunPlan {
        let reference = try ReferenceModel(referencePath)
        let (configuration, trainedDigits) = try FineTuningSession.settle(self.configuration, for: reference)
        let gpt = reference.stored.model
        let critic = configuration.makeCritic(for: gpt)
        let memory = configuration.memoryPlan(gpt, trainedDigits: trainedDigits)
        try memory.check(parameterCount: gpt.layout.count)
        var firstStep = 0
        if let resumed {
            let reader = try CheckpointReader(path: resumed)
            firstStep = try FineTuningSession(configuration, reference: reference, resuming: reader).state.step
        }
        let workerCount = Workers.count(configuration.workers)
        let countPerStep = configuration.rollout.episodesPerCollect
        let groupSize = configuration.rollout.groupSize
        let smallest = min(countPerStep, (2 * workerCount + groupSize - 1) / groupSize * groupSize)
        let measured = try Calibration(
            countPerStep: countPerStep, smallestCount: smallest,
            session: { count, exampleCount in
                var settings = configuration
                settings.rollout.episodesPerCollect = count
                settings.evaluation.examples = exampleCount
                settings.checkpoint = CheckpointConfiguration()
                return try FineTuningSession(settings, reference: reference, resuming: nil)
            }
        ).run(evaluation: configuration.evaluation)
        let length = measured.tokensPerStep / Double(countPerStep)
        let passes = Double(configuration.update.passesPerCollect)
        return RunPlan(
            model: gpt.configuration, parameterCount: gpt.layout.count, criticParameterCount: critic?.layout.count,
            memory: memory,
            checkpointByteCount: configuration.checkpoint.byteCount(model: gpt.layout, critic: critic?.layout),
            workerCount: workerCount, firstStep: firstStep, tokensPerStep: measured.tokensPerStep,
            operationsPerToken: passes * gpt.configuration.trainingOperationsPerToken(sequenceLength: length),
            steps: .init(count: max(0, configuration.steps - firstStep), seconds: measured.secondsPerStep),
            evaluations: .init(
                count: configuration.evaluationCount(after: firstStep), seconds: measured.secondsPerEvaluation),
            measuredCount: measured.measuredCount, countPerStep: countPerStep)
    }
}
