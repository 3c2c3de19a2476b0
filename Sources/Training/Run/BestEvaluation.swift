/// The best value of the metric that a run is judged by, and how many evaluations ago it was.
struct BestEvaluation: Hashable {
    private let settings: EvaluationConfiguration
    /// The best value; nil before the first.
    private(set) var value: Double?
    /// The evaluations since then.
    private(set) var evaluationsSince = 0

    /// Looks at what a run has logged so far.
    ///
    /// - Parameters:
    ///   - log: The run's JSON lines.
    ///   - isEvaluation: Whether the run evaluates after a step.
    init(_ settings: EvaluationConfiguration, log: String, isEvaluation: (Int) -> Bool) {
        self.settings = settings
        guard settings.metric != nil else { return }
        for line in log.split(separator: "\n") {
            if let record = MetricsRecord(json: line), isEvaluation(record.step) { _ = note(record) }
        }
    }

    /// Takes an evaluation into account.
    ///
    /// - Returns: Whether it is the best so far: the first, or better by more than the smallest improvement that counts.
    mutating func note(_ record: MetricsRecord) -> Bool {
        guard let metric = settings.metric, let found = record[metric] else { return false }
        let improvement = value.map { isLowerBetter(metric) ? $0 - found : found - $0 }
        guard improvement.map({ $0 > settings.minimumImprovement }) ?? true else {
            evaluationsSince += 1
            return false
        }
        value = found
        evaluationsSince = 0
        return true
    }

    /// Whether there has been no improvement for as many evaluations as the settings have patience.
    var isOutOfPatience: Bool { settings.patience > 0 && evaluationsSince >= settings.patience }

    /// Losses, divergences and unfinished answers are to be small, everything else large.
    private func isLowerBetter(_ metric: String) -> Bool {
        switch settings.goal {
        case .lowest: true
        case .highest: false
        case .automatic: metric.hasPrefix("loss") || metric.hasPrefix("kl_") || metric.contains("unfinished")
        }
    }
}
