/// How the values along an axis are spread.
public enum AxisScale: Hashable, Sendable {
    /// Equal differences.
    case linear
    /// Equal ratios; values that are not positive have no place on it.
    case logarithmic
}

/// The marked values of an axis and its ends.
package struct AxisTicks: Hashable, Sendable {
    /// The axis' ends.
    package var lower: Double
    package var upper: Double
    /// The values that carry a tick and a label.
    package var values: [Double]
    /// The distance of linear ticks; nil on a logarithmic axis.
    var step: Double?

    /// An axis that holds all of `values` that have a place on it, its ends rounded to ticks.
    ///
    /// - Parameters:
    ///   - fixed: The ends, when they are given and not to be rounded.
    ///   - count: About how many ticks there should be.
    ///   - isTight: Whether the ends are the least and the greatest value, not rounded to ticks.
    ///   - leastStep: What linear ticks are apart at least: 1 where there is nothing between whole numbers.
    package static func fitting(
        _ values: some Sequence<Double>, scale: AxisScale, fixed: ClosedRange<Double>? = nil, count: Int = 5,
        isTight: Bool = false, leastStep: Double = 0
    ) -> AxisTicks {
        var least = Double.infinity
        var greatest = -Double.infinity
        for value in values where value.isFinite && (scale == .linear || value > 0) {
            least = min(least, value)
            greatest = max(greatest, value)
        }
        if let fixed, fixed.lowerBound.isFinite, fixed.upperBound.isFinite, fixed.lowerBound < fixed.upperBound,
            scale == .linear || fixed.lowerBound > 0
        {
            (least, greatest) = (fixed.lowerBound, fixed.upperBound)
        }
        switch scale {
        case .linear:
            if least > greatest { (least, greatest) = (0, 1) }
            // Far beyond what anyone plots, and safely away from overflow.
            least = min(max(least, -1e300), 1e300)
            greatest = min(max(greatest, -1e300), 1e300)
            return linear(least, greatest, count: max(count, 2), leastStep, keepsEnds: fixed != nil || isTight)
        case .logarithmic:
            if least > greatest { (least, greatest) = (0.1, 1) }
            return logarithmic(
                min(max(least, 1e-300), 1e300), min(max(greatest, 1e-300), 1e300), keepsEnds: fixed != nil || isTight)
        }
    }

    private static func linear(
        _ least: Double, _ greatest: Double, count: Int, _ leastStep: Double, keepsEnds: Bool
    ) -> AxisTicks {
        var (least, greatest) = (least, greatest)
        if greatest - least <= max(least.magnitude, greatest.magnitude) * 1e-12 {
            let half = least == 0 ? 0.5 : least.magnitude * 0.1
            (least, greatest) = (least - half, greatest + half)
        }
        let step = max(niceStep((greatest - least) / Double(count)), leastStep)
        let first = keepsEnds ? (least / step - 1e-9).rounded(.up) : (least / step + 1e-9).rounded(.down)
        let last = keepsEnds ? (greatest / step + 1e-9).rounded(.down) : (greatest / step - 1e-9).rounded(.up)
        var ticks: [Double] = []
        var index = first
        while index <= last, ticks.count < 50 {
            ticks.append(index * step)
            index += 1
        }
        return AxisTicks(
            lower: keepsEnds ? least : first * step, upper: keepsEnds ? greatest : last * step, values: ticks,
            step: step)
    }

    /// The least of 1, 2, 5 × 10ⁿ that is not below `rough`.
    static func niceStep(_ rough: Double) -> Double {
        guard rough > 0, rough.isFinite else { return 1 }
        let power = powerOfTen(decimalLogarithm(rough).rounded(.down))
        guard power > 0, power.isFinite else { return rough }
        let share = rough / power
        return (share <= 1.000001 ? 1 : share <= 2.000001 ? 2 : share <= 5.000001 ? 5 : 10) * power
    }

    private static func logarithmic(_ least: Double, _ greatest: Double, keepsEnds: Bool) -> AxisTicks {
        let first = (decimalLogarithm(least) + 1e-9).rounded(.down)
        var last = (decimalLogarithm(greatest) - 1e-9).rounded(.up)
        if last <= first { last = first + 1 }
        let (lower, upper) =
            keepsEnds && least < greatest ? (least, greatest) : (powerOfTen(first), powerOfTen(last))
        let decades = last - first
        let stride = max(1, (decades / 7).rounded(.up))
        let multiples: [Double] = decades <= 2 ? [1, 2, 5] : [1]
        var ticks: [Double] = []
        var exponent = first
        while exponent <= last, ticks.count < 50 {
            for multiple in multiples {
                let value = multiple * powerOfTen(exponent)
                if value >= lower * 0.999999, value <= upper * 1.000001 { ticks.append(value) }
            }
            exponent += stride
        }
        return AxisTicks(lower: lower, upper: upper, values: ticks, step: nil)
    }

    /// Where between the ends (0 … 1) a value stands; nil when it has no place on the axis.
    package func fraction(of value: Double) -> Double? {
        guard value.isFinite else { return nil }
        if step == nil {
            guard value > 0, lower > 0 else { return nil }
            return logarithm(value / lower) / logarithm(upper / lower)
        }
        return (value / 2 - lower / 2) / (upper / 2 - lower / 2)
    }

    /// The label of a tick: as many places as the distance of the ticks asks for.
    package func label(_ value: Double, format: FigureFormat) -> String {
        let text: String
        if case .bytes = format {
            text = format.text(value)
        } else if case .duration = format {
            text = format.text(value)
        } else if let step {
            var unit = 1.0
            var suffix = ""
            if case .percent = format { (unit, suffix) = (100, " %") }
            let largest = max(lower.magnitude, upper.magnitude) * unit
            if largest >= 1e7 || largest < 1e-3 {
                text = (DecimalDigits(value * unit)?.scientific(significant: 2) ?? "") + suffix
            } else {
                let places = max(0, -Int(decimalLogarithm(step * unit * 1.0001).rounded(.down)))
                text = (DecimalDigits(value * unit)?.fixed(places: min(places, 6), grouped: true) ?? "") + suffix
            }
        } else if value >= 1e5 || value < 1e-3 {
            text = DecimalDigits(value)?.scientific(significant: 1) ?? ""
        } else {
            text = FigureFormat.significant(1).text(value)
        }
        return String(text.map { $0 == "-" ? "−" : $0 })
    }
}
