/// Maps values to the sixteen levels of the heat colours.
public struct HeatScale: Hashable, Sendable {
    /// How equal steps of colour relate to the values.
    public enum Transform: Hashable, Sendable {
        /// Equal differences.
        case linear
        /// Equal ratios: for values over several orders of magnitude.
        case logarithmic
    }

    /// The number of levels.
    public static let levelCount = 16

    /// How values are spread.
    public let transform: Transform
    /// The value of the lowest level, and of everything below.
    public let lower: Double
    /// The value of the highest level, and of everything above.
    public let upper: Double
    /// Whether some of the values that the scale was made for are above ``upper``; a legend then says so.
    public private(set) var isCutAtTop = false

    /// A scale between two values. A range that is empty, not finite or, for a logarithmic scale, not positive is
    /// replaced by the nearest one that can be drawn.
    public init(_ transform: Transform, from lower: Double, to upper: Double) {
        self.transform = transform
        var lower = lower.isFinite ? lower : 0
        var upper = upper.isFinite ? upper : lower + 1
        if transform == .logarithmic {
            upper = upper > 0 ? upper : 1
            lower = lower > 0 && lower < upper ? lower : upper / 1000
        } else if upper <= lower {
            upper = lower + max(lower.magnitude, 1)
        }
        self.lower = lower
        self.upper = upper
    }

    /// The scale that shows these values: from the least (or `floor`) to the greatest; logarithmic ones over at most
    /// `decades` orders of magnitude below the greatest.
    ///
    /// - Parameter topShare: The share of the values above `floor` that may have the highest level together, so that a
    ///   few outliers do not take the colour from all others.
    public static func fitting(
        _ values: some Sequence<Double>, _ transform: Transform, floor: Double? = nil, decades: Int = 3,
        topShare: Double = 0
    ) -> HeatScale {
        let shown = values.filter { $0.isFinite && (transform == .linear || $0 > 0) }.sorted()
        guard let least = shown.first, let greatest = shown.last else {
            return HeatScale(transform, from: floor ?? 0, to: 1)
        }
        let counted = shown.drop { value in floor.map { value <= $0 } ?? false }
        let outlierCount = Int(topShare * Double(counted.count))
        var top = counted.dropLast(outlierCount).last ?? greatest
        // Where nothing counts, nothing is coloured.
        if transform == .logarithmic, let floor, top <= floor { top = floor * 10 }
        var scale: HeatScale
        switch transform {
        case .linear:
            scale = HeatScale(transform, from: floor ?? least, to: top)
        case .logarithmic:
            var lowest = top
            for _ in 0..<max(decades, 1) { lowest /= 10 }
            scale = HeatScale(transform, from: max(floor ?? least, lowest), to: top)
        }
        scale.isCutAtTop = greatest > scale.upper
        return scale
    }

    /// The level, 0 … 15, of a value; nil for one that is not a number.
    public func level(of value: Double) -> Int? {
        guard !value.isNaN else { return nil }
        let fraction = fraction(of: value)
        return min(Int(fraction * Double(Self.levelCount)), Self.levelCount - 1)
    }

    /// Where between `lower` (0) and `upper` (1) a value stands.
    func fraction(of value: Double) -> Double {
        if value <= lower { return 0 }
        if value >= upper { return 1 }
        let fraction =
            switch transform {
            case .linear: (value / 2 - lower / 2) / (upper / 2 - lower / 2)
            case .logarithmic: logarithm(value / lower) / logarithm(upper / lower)
            }
        return fraction.isFinite ? min(max(fraction, 0), 1) : 0
    }

    /// The value in the middle of the colours, for legends.
    var middle: Double {
        switch transform {
        case .linear: lower / 2 + upper / 2
        case .logarithmic: lower.squareRoot() * upper.squareRoot()
        }
    }
}
