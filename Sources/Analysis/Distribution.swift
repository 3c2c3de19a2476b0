/// A summary of many values.
public struct Distribution: Codable, Hashable, Sendable {
    /// The number of values.
    public let count: Int
    /// The mean.
    public let mean: Double
    /// The 50th percentile.
    public let median: Double
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
        guard !values.isEmpty else { return nil }
        count = values.count
        let hasNaN = values.contains(where: \.isNaN)
        let sorted = hasNaN ? [] : values.sorted()
        mean = values.reduce(0, +) / Double(values.count)
        median = Self.percentile(50, ofSorted: sorted)
        p90 = Self.percentile(90, ofSorted: sorted)
        p95 = Self.percentile(95, ofSorted: sorted)
        p99 = Self.percentile(99, ofSorted: sorted)
        p99_9 = Self.percentile(99.9, ofSorted: sorted)
        maximum = sorted.last ?? .nan
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
