import LanguageModel

/// A share of right answers with its uncertainty.
public struct Accuracy: Hashable, Sendable, Codable {
    /// The number of right answers.
    public let correctCount: Int
    /// The number of examples.
    public let exampleCount: Int
    /// The share of right answers, 0...1.
    public let mean: Double
    /// The lower end of the 95 % interval, 0...1.
    public let lowerBound: Double
    /// The upper end of the 95 % interval, 0...1.
    public let upperBound: Double

    /// The accuracy of the outcomes, with a percentile bootstrap interval of 1,000 resamples.
    ///
    /// - Parameters:
    ///   - outcomes: Whether each example was answered right; for none, all figures are 0.
    ///   - seed: The seed of the resampling.
    public init(_ outcomes: [Bool], seed: UInt64) {
        exampleCount = outcomes.count
        correctCount = outcomes.count { $0 }
        guard !outcomes.isEmpty else {
            (mean, lowerBound, upperBound) = (0, 0, 0)
            return
        }
        mean = Double(correctCount) / Double(exampleCount)
        var stream = RandomStream(RandomStream.Key(seed: seed, purpose: .bootstrap))
        let means = (0..<Self.resampleCount).map { _ in
            var correct = 0
            for _ in outcomes where outcomes[stream.nextInteger(in: 0...(outcomes.count - 1))] { correct += 1 }
            return Double(correct) / Double(outcomes.count)
        }.sorted()
        lowerBound = Self.quantile(0.025, of: means)
        upperBound = Self.quantile(0.975, of: means)
    }

    private static let resampleCount = 1000

    /// The quantile of sorted values, interpolated linearly as numpy does.
    private static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
}
