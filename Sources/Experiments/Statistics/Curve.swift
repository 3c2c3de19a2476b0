/// A figure over training steps: each seed's curve, or their mean.
public enum Curve {
    /// The area under a curve by the trapezoidal rule, divided by the width of its steps: the mean height, in the
    /// figure's own unit.
    ///
    /// - Returns: The only value of a curve of one point; nil for none.
    public static func meanHeight(_ points: [(step: Int, value: Double)]) -> Double? {
        guard let first = points.first, let last = points.last else { return nil }
        guard last.step > first.step else { return first.value }
        let area = zip(points, points.dropFirst()).reduce(0.0) { area, pair in
            area + (pair.0.value + pair.1.value) / 2 * Double(pair.1.step - pair.0.step)
        }
        return area / Double(last.step - first.step)
    }

    /// The mean over curves at each step that any of them has, with Student's interval over those that have it.
    public static func mean(_ curves: [[(step: Int, value: Double)]]) -> [CurvePoint] {
        var values: [Int: [Double]] = [:]
        for point in curves.joined() { values[point.step, default: []].append(point.value) }
        return values.sorted { $0.key < $1.key }.map { CurvePoint(step: $0.key, value: MeanInterval($0.value)) }
    }
}

/// The mean over runs at one step.
public struct CurvePoint: Codable, Hashable, Sendable {
    /// The training step.
    public let step: Int
    /// Mean and interval over the runs that have come so far.
    public let value: MeanInterval
}
