internal import LanguageModel
internal import Rendering
internal import Training

extension RunPlan {
    /// What `--dry-run` prints.
    var text: String {
        func count(_ value: Int) -> String { FigureFormat.count.text(value) }
        func operations(_ value: Double) -> String { FigureFormat.scientific(3).text(value) }
        let duration = FigureFormat.duration
        var lines = [
            (
                "model",
                "\(count(parameterCount)) parameters: \(model.layerCount) blocks, width \(model.embeddingSize), "
                    + "\(model.headCount) heads, context \(model.contextLength), \(model.vocabularySize) tokens"
            )
        ]
        if let criticParameterCount { lines.append(("critic", "\(count(criticParameterCount)) parameters")) }
        lines.append(
            (
                "memory",
                "\(FigureFormat.bytes.text(memory.byteCount)) of this machine's "
                    + FigureFormat.bytes.text(memory.available)
            ))
        lines += memory.parts.map { ("", "\(FigureFormat.bytes.text($0.byteCount)) \($0.name)") }
        lines.append(("checkpoint", "at most \(FigureFormat.bytes.text(checkpointByteCount)) a save"))
        lines.append(
            (
                "operations",
                "\(operations(operationsPerToken)) a token, \(operations(operationsPerStep)) a step of "
                    + "\(count(Int(tokensPerStep.rounded()))) tokens"
            ))
        let rate = tokensPerStep / steps.seconds
        lines.append(
            (
                "measured",
                "\(duration.text(steps.seconds)) a step, \(FigureFormat.significant(3).text(rate)) tokens a second on "
                    + FigureFormat.counted(workerCount, "thread")
                    + (measuredCount < countPerStep
                        ? ", from steps of \(count(measuredCount)) of \(count(countPerStep)) sequences" : "")
            ))
        let from = firstStep > 0 ? " after step \(count(firstStep))" : ""
        lines.append(
            (
                "time",
                "\(duration.text(totalSeconds)): \(count(steps.count)) steps\(from) in "
                    + duration.text(steps.totalSeconds)
                    + (evaluations.count > 0
                        ? ", \(FigureFormat.counted(evaluations.count, "evaluation")) in about "
                            + duration.text(evaluations.totalSeconds) : "")
            ))
        return lines.map { name, text in name.padding(toLength: 12) + text + "\n" }.joined()
    }
}

extension String {
    /// The text with blanks up to a length.
    fileprivate func padding(toLength length: Int) -> String {
        self + String(repeating: " ", count: max(0, length - count))
    }
}
