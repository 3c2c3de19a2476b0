/// A mean and how far it may be off.
public struct MeanEstimate: Codable, Hashable, Sendable {
    /// The mean.
    public let mean: Double
    /// Its standard error; nil where there is nothing to estimate it from.
    public let standardError: Double?

    /// A figure with its standard error.
    public init(mean: Double, standardError: Double?) {
        self.mean = mean
        self.standardError = standardError
    }

    /// The mean of values and √(Σ (x − mean)² / (n − 1) / n), the values taken as independent; nil for no values.
    public init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        standardError = values.count > 1 && squares.isFinite ? (squares / (count - 1) / count).squareRoot() : nil
    }

    /// The standard error of the mean over all values where those of one group depend on each other, as the tokens of
    /// one text do: √(G / (G − 1) Σ_g (Σ_{i in g} (x_i − mean))²) / n over G groups (Liang and Zeger, 1986). Nil for
    /// fewer than two groups.
    public static func clusteredStandardError(_ groups: [[Double]]) -> Double? {
        let filled = groups.filter { !$0.isEmpty }
        let count = Double(filled.reduce(0) { $0 + $1.count })
        guard filled.count > 1 else { return nil }
        let mean = filled.reduce(0) { $0 + $1.reduce(0, +) } / count
        let squares = filled.reduce(0.0) { sum, group in
            let deviation = group.reduce(0) { $0 + ($1 - mean) }
            return sum + deviation * deviation
        }
        guard squares.isFinite else { return nil }
        let groupCount = Double(filled.count)
        return (groupCount / (groupCount - 1) * squares).squareRoot() / count
    }
}
