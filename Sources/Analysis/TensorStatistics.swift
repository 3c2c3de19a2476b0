/// Figures about the values of a tensor.
public struct TensorStatistics: Codable, Hashable, Sendable {
    /// The elements.
    public let elementCount: Int
    /// The elements that are neither NaN nor infinite: those that the figures below are about.
    public let finiteCount: Int
    /// NaNs.
    public let nanCount: Int
    /// Infinities of either sign.
    public let infinityCount: Int
    /// Zeros of either sign.
    public let zeroCount: Int
    /// The least value; nil where none is finite.
    public let minimum: Double?
    /// The greatest value; nil where none is finite.
    public let maximum: Double?
    /// The mean; nil where none is finite.
    public let mean: Double?
    /// The standard deviation of the values themselves (divided by n); nil where none is finite.
    public let standardDeviation: Double?
    /// ‖values‖₂.
    public let norm: Double
    /// How the finite values are spread.
    public let histogram: Histogram
}

/// Counts of values in bins of equal width between the least and the greatest.
public struct Histogram: Codable, Hashable, Sendable {
    /// The lower edge of the first bin.
    public let lowerBound: Double
    /// The upper edge of the last bin, which includes it.
    public let upperBound: Double
    /// The number of values in each bin. All in the first where the edges are equal.
    public private(set) var counts: [Int]

    /// Empty bins.
    init(lowerBound: Double, upperBound: Double, binCount: Int) {
        self.lowerBound = lowerBound
        self.upperBound = upperBound
        counts = Array(repeating: 0, count: max(1, binCount))
    }

    /// Counts the finite values.
    mutating func add(_ values: borrowing Span<Double>) {
        // Halves, because the range of doubles may be wider than the greatest double.
        let halfWidth = upperBound / 2 - lowerBound / 2
        let scale = Double(counts.count)
        let last = counts.count - 1
        for index in values.indices {
            let value = values[index]
            guard value.isFinite else { continue }
            let position = halfWidth > 0 ? (value / 2 - lowerBound / 2) / halfWidth : 0
            counts[max(0, min(last, Int(position * scale)))] += 1
        }
    }
}

/// The sums behind ``TensorStatistics``.
struct StatisticsSums: Sendable {
    var elementCount = 0
    var nanCount = 0
    var infinityCount = 0
    var zeroCount = 0
    var minimum = Double.infinity
    var maximum = -Double.infinity
    var finiteCount = 0
    var mean = 0.0
    var squaredDeviations = 0.0
    var squares = 0.0

    /// Adds elements.
    mutating func add(_ values: borrowing Span<Double>) {
        var (sum, squares, count) = (0.0, 0.0, 0)
        for index in values.indices {
            let value = values[index]
            guard value.isFinite else {
                if value.isNaN { nanCount += 1 } else { infinityCount += 1 }
                continue
            }
            sum += value
            squares += value * value
            count += 1
            zeroCount += value == 0 ? 1 : 0
            minimum = min(minimum, value)
            maximum = max(maximum, value)
        }
        elementCount += values.count
        self.squares += squares
        guard count > 0 else { return }
        // The deviations from the run's own mean, joined with those before (Chan, Golub, LeVeque), do not
        // lose the variance of values far from zero.
        let runMean = sum / Double(count)
        var deviations = 0.0
        for index in values.indices where values[index].isFinite {
            let deviation = values[index] - runMean
            deviations += deviation * deviation
        }
        let (before, run) = (Double(finiteCount), Double(count))
        let step = runMean - mean
        squaredDeviations += deviations + step * step * before * run / (before + run)
        mean += step * run / (before + run)
        finiteCount += count
    }

    /// The figures, with a histogram that was counted between ``minimum`` and ``maximum``.
    func statistics(histogram: Histogram) -> TensorStatistics {
        let hasValues = finiteCount > 0
        return TensorStatistics(
            elementCount: elementCount,
            finiteCount: finiteCount,
            nanCount: nanCount,
            infinityCount: infinityCount,
            zeroCount: zeroCount,
            minimum: hasValues ? minimum : nil,
            maximum: hasValues ? maximum : nil,
            mean: hasValues ? mean : nil,
            standardDeviation: hasValues ? (squaredDeviations / Double(finiteCount)).squareRoot() : nil,
            norm: squares.squareRoot(),
            histogram: histogram)
    }
}
