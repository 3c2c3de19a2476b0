/// Curves over a common axis, with bands of confidence.
public struct LineChart: Chart, Hashable, Sendable {
    /// One measured point.
    public struct Point: Hashable, Sendable {
        /// Where it stands on the horizontal axis.
        public var x: Double
        /// Its value; one that is not finite interrupts the curve.
        public var y: Double
        /// The ends of its interval of confidence.
        public var interval: ClosedRange<Double>?

        /// A point, with or without an interval.
        public init(x: Double, y: Double, interval: ClosedRange<Double>? = nil) {
            self.x = x
            self.y = y
            self.interval = interval
        }
    }

    /// How a curve is drawn.
    public enum Stroke: Hashable, Sendable {
        /// A full line.
        case solid
        /// A dashed line, such as for a reference.
        case dashed
        /// A thin pale line without points, such as for raw values under smoothed ones.
        case faint
    }

    /// One curve.
    public struct Series: Hashable, Sendable {
        /// Its name in the legend; empty to leave it out.
        public var name: String
        /// Its points by rising x.
        public var points: [Point]
        /// How it is drawn.
        public var stroke: Stroke
        /// Which of the colours it has; by default its place among the series.
        public var colour: Int?

        /// A curve.
        public init(_ name: String, points: [Point], stroke: Stroke = .solid, colour: Int? = nil) {
            self.name = name
            self.points = points
            self.stroke = stroke
            self.colour = colour
        }
    }

    /// A line across the chart at a notable value.
    public struct Mark: Hashable, Sendable {
        /// The value on the vertical axis.
        public var y: Double
        /// What it is.
        public var label: String

        /// A line at `y`.
        public init(y: Double, label: String) {
            self.y = y
            self.label = label
        }
    }

    /// What the chart shows.
    public var title: String
    /// What the axes measure, with units.
    public var xLabel: String
    /// What the vertical axis measures.
    public var yLabel: String
    /// The curves.
    public var series: [Series]
    /// Lines across.
    public var marks: [Mark]
    /// How x is spread.
    public var xScale: AxisScale
    /// How y is spread.
    public var yScale: AxisScale
    /// The ends of the vertical axis; nil to fit the values.
    public var yRange: ClosedRange<Double>?
    /// How x is written.
    public var xFormat: FigureFormat
    /// How y is written.
    public var yFormat: FigureFormat

    /// A chart of curves.
    public init(
        title: String, xLabel: String, yLabel: String, series: [Series], marks: [Mark] = [],
        xScale: AxisScale = .linear, yScale: AxisScale = .linear, yRange: ClosedRange<Double>? = nil,
        xFormat: FigureFormat = .significant(4), yFormat: FigureFormat = .significant(3)
    ) {
        self.title = title
        self.xLabel = xLabel
        self.yLabel = yLabel
        self.series = series
        self.marks = marks
        self.xScale = xScale
        self.yScale = yScale
        self.yRange = yRange
        self.xFormat = xFormat
        self.yFormat = yFormat
    }

    /// Points smoothed by an exponential moving average that forgets half within `halfLife` points; for noisy curves.
    public static func smoothed(_ points: [Point], halfLife: Double) -> [Point] {
        let keep = halfLife > 0 ? powerOfTen(-decimalLogarithm(2) / halfLife) : 0
        var sum = 0.0
        var weight = 0.0
        return points.map { point in
            guard point.y.isFinite else { return point }
            sum = sum * keep + point.y * (1 - keep)
            weight = weight * keep + (1 - keep)
            return Point(x: point.x, y: weight > 0 ? sum / weight : point.y)
        }
    }
}
