import Experiments
import Testing

@Suite struct MeanIntervalTests {
    /// scipy.stats.t.interval(0.95, 2, loc=2, scale=scipy.stats.sem([1, 2, 3])) = (−0.484, 4.484).
    @Test func agreesWithStudentsIntervalForThreeValues() {
        let interval = MeanInterval([1, 2, 3])
        #expect(interval.mean == 2)
        #expect(abs(interval.lowerBound + 0.484138) < 1e-5)
        #expect(abs(interval.upperBound - 4.484138) < 1e-5)
    }

    /// t₀.₉₇₅: 12.7062 for 1, 2.7764 for 4, 2.2622 for 9, 2.0423 for 30 degrees of freedom.
    @Test(arguments: [(2, 12.7062), (5, 2.7764), (10, 2.2622), (31, 2.0423)])
    func usesTheQuantilesOfTheTables(count: Int, quantile: Double) {
        let values = (0..<count).map { Double($0 % 2) }
        let interval = MeanInterval(values)
        let mean = values.reduce(0, +) / Double(count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
        let half = quantile * (variance / Double(count)).squareRoot()
        #expect(abs(interval.upperBound - interval.mean - half) < 1e-4 * half)
    }

    @Test func pairsSeedBySeed() {
        let interval = MeanInterval.paired(treatment: [3, 5, 7], control: [1, 3, 5])
        #expect(interval.mean == 2 && interval.lowerBound == 2 && interval.upperBound == 2)
        #expect(interval.excludesZero)
        #expect(!MeanInterval.paired(treatment: [1, -1], control: [0, 0]).excludesZero)
    }

    @Test func oneValueHasNoSpread() {
        let interval = MeanInterval([0.5])
        #expect(interval.count == 1 && interval.lowerBound == 0.5 && interval.upperBound == 0.5)
        #expect(!interval.excludesZero)
        #expect(MeanInterval([]).count == 0)
    }
}
