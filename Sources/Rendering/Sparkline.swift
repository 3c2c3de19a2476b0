/// A row of bars, one character a value: `▁▂▅█▇▃`.
public enum Sparkline {
    static let bars: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// The values between their least and greatest, or within `range`; a value that is not finite is a space.
    /// More values than `width` are averaged in equal stretches.
    public static func text(_ values: [Double], width: Int? = nil, range: ClosedRange<Double>? = nil) -> String {
        let shown = averaged(values, width: width)
        let finite = shown.filter(\.isFinite)
        guard let least = range?.lowerBound ?? finite.min(), let greatest = range?.upperBound ?? finite.max() else {
            return String(repeating: " ", count: shown.count)
        }
        return String(
            shown.map { value -> Character in
                guard value.isFinite else { return " " }
                // Halved, so that the distance of the largest numbers stays finite.
                let extent = greatest / 2 - least / 2
                guard extent > 0 else { return bars[0] }
                let fraction = min(max((value / 2 - least / 2) / extent, 0), 1)
                return bars[min(Int(fraction * Double(bars.count)), bars.count - 1)]
            })
    }

    private static func averaged(_ values: [Double], width: Int?) -> [Double] {
        guard let width, width > 0, values.count > width else { return values }
        return (0..<width).map { index in
            let stretch = values[(index * values.count / width)..<((index + 1) * values.count / width)]
            let finite = stretch.filter(\.isFinite)
            return finite.isEmpty ? .nan : finite.reduce(0) { $0 + $1 / Double(finite.count) }
        }
    }
}
