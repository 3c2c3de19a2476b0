import LanguageModel
import Tasks

/// The evaluations that a run takes, as figures of its metrics.
struct AccuracyFigures: Sendable {
    let evaluation: EvaluationConfiguration
    let task: AdditionTask
    let trainedDigits: Int
    let temperature: Float
    let maximumNewTokenCount: Int?
    let seed: UInt64

    /// The names of the accuracies.
    var names: [String] { evaluation.examples > 0 ? evaluation.additionalDigits.map(name) : [] }

    private func name(_ additional: Int) -> String {
        "accuracy_\(evaluation.setup.rawValue.replacing("-", with: "_"))_\(trainedDigits + additional)"
    }

    /// Adds `accuracy_<setup>_<digits>` with `_low` and `_high`, the 95 % interval, and `_unfinished`,
    /// then `tokens_per_second_evaluate` of the generation.
    ///
    /// Each number of digits is asked whole or, after `stop` was set, not at all.
    ///
    /// - Throws: ``ModelError`` where the model's logits are not numbers.
    func add(to record: inout MetricsRecord, generator: Generator, stop: StopFlag) throws(ModelError) {
        let start = ContinuousClock.now
        var tokenCount = 0
        for additional in evaluation.additionalDigits where !stop.isSet {
            let result = try AdditionEvaluation(
                setup: evaluation.setup.problems(trainedDigits: trainedDigits, additionalDigits: additional),
                exampleCount: evaluation.examples, task: task, generator: generator,
                sampling: SamplingOptions(temperature: temperature, topK: nil), seed: seed,
                step: UInt64(additional), maximumNewTokenCount: maximumNewTokenCount)
            let name = name(additional)
            record.add(name, result.accuracy.mean)
            record.add(name + "_low", result.accuracy.lowerBound)
            record.add(name + "_high", result.accuracy.upperBound)
            record.add(name + "_unfinished", result.unfinishedShare)
            tokenCount += result.examples.reduce(0) { $0 + $1.completion.tokens.count }
        }
        record.add("tokens_per_second_evaluate", Double(tokenCount) / (ContinuousClock.now - start).seconds)
    }
}
