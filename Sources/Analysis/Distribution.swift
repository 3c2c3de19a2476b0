/// A summary of many values.
public struct Distribution: Codable, Hashable, Sendable {
    /// The number of values.
    public let count: Int
    /// The mean.
    public let mean: Double
    /// The mean's standard error, the values taken as independent; nil for a single value, and where not
    /// all are finite.
    public let standardError: Double?
    /// The least value.
    public let minimum: Double
    /// The 0.1th percentile.
    public let p0_1: Double
    /// The 1st percentile.
    public let p1: Double
    /// The 5th percentile.
    public let p5: Double
    /// The 10th percentile.
    public let p10: Double
    /// The 25th percentile.
    public let p25: Double
    /// The 50th percentile.
    public let median: Double
    /// The 75th percentile.
    public let p75: Double
    /// The 90th percentile.
    public let p90: Double
    /// The 95th percentile.
    public let p95: Double
    /// The 99th percentile.
    public let p99: Double
    /// The 99.9th percentile.
    public let p99_9: Double
    /// The greatest value.
    public let maximum: Double

    /// Summarises values; nil where there are none. A NaN among them makes every figure NaN.
    public init?(_ values: [Double]) {
        guard let estimate = MeanEstimate(values) else { return nil }
        count = values.count
        let hasNaN = values.contains(where: \.isNaN)
        let sorted = hasNaN ? [] : values.sorted()
        mean = estimate.mean
        standardError = estimate.standardError
        minimum = sorted.first ?? .nan
        p0_1 = Self.percentile(0.1, ofSorted: sorted)
        p1 = Self.percentile(1, ofSorted: sorted)
        p5 = Self.percentile(5, ofSorted: sorted)
        p10 = Self.percentile(10, ofSorted: sorted)
        p25 = Self.percentile(25, ofSorted: sorted)
        median = Self.percentile(50, ofSorted: sorted)
        p75 = Self.percentile(75, ofSorted: sorted)
        p90 = Self.percentile(90, ofSorted: sorted)
        p95 = Self.percentile(95, ofSorted: sorted)
        p99 = Self.percentile(99, ofSorted: sorted)
        p99_9 = Self.percentile(99.9, ofSorted: sorted)
        maximum = sorted.last ?? .nan
    }

    /// The figures by name, from the mean to the least value, in the order in which tools print them.
    public var figures: [(name: String, value: Double)] {
        [
            ("mean", mean), ("maximum", maximum), ("p99.9", p99_9), ("p99", p99), ("p95", p95), ("p90", p90),
            ("p75", p75), ("median", median), ("p25", p25), ("p10", p10), ("p5", p5), ("p1", p1), ("p0.1", p0_1),
            ("minimum", minimum),
        ]
    }

    /// The p-th percentile of sorted values: with n values, the value at rank (n − 1) · p / 100 from 0, between
    /// two ranks by linear interpolation (numpy's default, definition 7 of Hyndman and Fan). NaN for no values.
    public static func percentile(_ percent: Double, ofSorted sorted: [Double]) -> Double {
        guard let last = sorted.last else { return .nan }
        let rank = Double(sorted.count - 1) * min(100, max(0, percent)) / 100
        let index = Int(rank)
        guard index + 1 < sorted.count else { return last }
        let (lower, upper) = (sorted[index], sorted[index + 1])
        // Equal neighbours may be infinite.
        return lower == upper ? lower : lower + (upper - lower) * (rank - Double(index))
    }
}
