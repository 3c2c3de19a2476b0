internal import Foundation
internal import LanguageModel

/// Whether a treatment differs from a control that was run with the same seeds: the differences, seed by seed, with
/// Student's interval, Student's paired test and the sign-flip permutation test.
public struct PairedTest: Codable, Hashable, Sendable {
    /// The control's values over the seeds.
    public let control: MeanInterval
    /// The treatment's.
    public let treatment: MeanInterval
    /// Treatment less control, seed by seed.
    public let difference: MeanInterval
    /// The mean difference over its standard error; nil with fewer than two pairs, or where all differences are equal.
    public let tStatistic: Double?
    /// The two-sided probability of such a t, or a larger one, where the means are equal; nil as ``tStatistic``.
    public let tProbability: Double?
    /// The share of all ways to flip the differences' signs whose mean is at least as far from 0; nil without a pair.
    ///
    /// With n pairs it is never below 2 / 2ⁿ.
    public let permutationProbability: Double?
    /// Whether all 2ⁿ ways were counted; otherwise ``sampledFlipCount`` random ones.
    public let isPermutationExact: Bool

    /// Compares values of the same seeds, in the same order; what one side has more is left out.
    public init(treatment: [Double], control: [Double]) {
        let count = min(treatment.count, control.count)
        self.control = MeanInterval(Array(control.prefix(count)))
        self.treatment = MeanInterval(Array(treatment.prefix(count)))
        let differences = zip(treatment, control).map { $0 - $1 }
        difference = MeanInterval(differences)
        let statistic = Self.statistic(differences)
        tStatistic = statistic
        tProbability = statistic.map { 1 - MeanInterval.centralProbability(abs($0), degreesOfFreedom: count - 1) }
        isPermutationExact = count <= Self.exactPairLimit
        permutationProbability = Self.permutationProbability(differences)
    }

    /// Up to so many pairs every way to flip signs is counted.
    static let exactPairLimit = 16
    /// Random ways beyond that; the probability counts the one that was seen too.
    public static let sampledFlipCount = 100_000

    private static func statistic(_ differences: [Double]) -> Double? {
        guard differences.count > 1 else { return nil }
        let count = Double(differences.count)
        let mean = differences.reduce(0, +) / count
        let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        guard squares > 0 else { return nil }
        return mean / (squares / (count - 1) / count).squareRoot()
    }

    private static func permutationProbability(_ differences: [Double]) -> Double? {
        guard !differences.isEmpty else { return nil }
        let observed = abs(differences.reduce(0, +))
        // Sums of the same numbers in another order may differ by rounding.
        let threshold = observed - 1e-12 * differences.reduce(0) { $0 + abs($1) }
        func isAsFar(_ flips: UInt64) -> Bool {
            var sum = 0.0
            for (index, difference) in differences.enumerated() {
                sum += flips >> UInt64(index % 64) & 1 == 1 ? -difference : difference
            }
            return abs(sum) >= threshold
        }
        if differences.count <= exactPairLimit {
            let all = UInt64(1) << UInt64(differences.count)
            return Double((0..<all).count { isAsFar($0) }) / Double(all)
        }
        var stream = RandomStream(RandomStream.Key(seed: 0, purpose: .bootstrap))
        var extreme = 0
        for _ in 0..<sampledFlipCount {
            var sum = 0.0
            var bits: UInt64 = 0
            for (index, difference) in differences.enumerated() {
                if index % 64 == 0 { bits = stream.next() }
                sum += bits & 1 == 1 ? -difference : difference
                bits >>= 1
            }
            if abs(sum) >= threshold { extreme += 1 }
        }
        return Double(extreme + 1) / Double(sampledFlipCount + 1)
    }
}
