/// How often values fall into each of a row of bins.
public struct Histogram: Chart, Hashable, Sendable {
    /// What the chart shows.
    public var title: String
    /// What is counted.
    public var valueLabel: String
    /// The bins' ends, rising: one more than there are counts.
    public var edges: [Double]
    /// How many values lie in each bin.
    public var counts: [Double]
    /// How values are written.
    public var format: FigureFormat
    /// What one counted thing is called in the plural.
    public var countLabel: String
    /// Whether the edges rise by equal ratios and the axis shows it.
    public var scale: AxisScale

    /// A histogram of counts that are there already. Counts beyond the edges are left out.
    public init(
        title: String, valueLabel: String, edges: [Double], counts: [Double], countLabel: String = "values",
        scale: AxisScale = .linear, format: FigureFormat = .significant(3)
    ) {
        self.title = title
        self.valueLabel = valueLabel
        self.edges = edges
        self.counts = Array(counts.prefix(max(edges.count - 1, 0)))
        self.countLabel = countLabel
        self.scale = scale
        self.format = format
    }

    /// A histogram of values, in `binCount` bins of equal width (equal ratio on a logarithmic scale). Values that are
    /// not finite, or have no place on the scale, are left out.
    public init(
        title: String, valueLabel: String, values: [Double], binCount: Int = 30, countLabel: String = "values",
        scale: AxisScale = .linear, format: FigureFormat = .significant(3)
    ) {
        let ticks = AxisTicks.fitting(values, scale: scale, isTight: true)
        let binCount = max(binCount, 1)
        var counts = Array(repeating: 0.0, count: binCount)
        for value in values {
            guard let fraction = ticks.fraction(of: value), (-1e-9...1 + 1e-9).contains(fraction) else { continue }
            counts[min(max(Int(fraction * Double(binCount)), 0), binCount - 1)] += 1
        }
        let edges = (0...binCount).map { index -> Double in
            let share = Double(index) / Double(binCount)
            return scale == .linear
                ? ticks.lower + (ticks.upper - ticks.lower) * share
                : ticks.lower * powerOfTen(decimalLogarithm(ticks.upper / ticks.lower) * share)
        }
        self.init(
            title: title, valueLabel: valueLabel, edges: edges,
            counts: values.contains(where: \.isFinite) ? counts : [],
            countLabel: countLabel, scale: scale, format: format)
    }

    /// The chart as SVG.
    public func svg(_ placement: ChartPlacement) -> String {
        let (width, height) = (placement.width, placement == .half ? 300.0 : 320.0)
        var canvas = Canvas(width: width, height: height)
        var top = 12.0
        if placement == .standalone {
            canvas.text(title, 12, 22, class: "title")
            top = 38
        }
        let xTicks = AxisTicks.fitting(edges, scale: scale, count: placement == .half ? 4 : 7, isTight: true)
        let yTicks = AxisTicks.fitting(counts + [0], scale: .linear, count: 4)
        let yLabels = yTicks.values.map { yTicks.label($0, format: .count) }
        let left = 34 + (yLabels.map(Canvas.width(of:)).max() ?? 0)
        let plotWidth =
            width - left
            - max(24, 6 + (xTicks.values.last.map { Canvas.width(of: xTicks.label($0, format: format)) } ?? 0) / 2)
        let bottom = height - 48
        for (value, label) in zip(yTicks.values, yLabels) {
            let y = bottom - (yTicks.fraction(of: value) ?? 0) * (bottom - top)
            canvas.line(left, y, left + plotWidth, y, class: "grid")
            canvas.text(label, left - 8, y + 4, anchor: "end")
        }
        if counts.isEmpty { canvas.text("no data", left + plotWidth / 2, (top + bottom) / 2, anchor: "middle") }
        for (index, count) in counts.enumerated() where count.isFinite {
            guard let start = xTicks.fraction(of: edges[index]), let end = xTicks.fraction(of: edges[index + 1]),
                let share = yTicks.fraction(of: count)
            else { continue }
            let barHeight = count > 0 ? max(share * (bottom - top), 1) : 0
            canvas.rectangle(
                left + start * plotWidth + 0.5, bottom - barHeight, (end - start) * plotWidth - 1, barHeight,
                class: "f0",
                hover: "\(format.text(edges[index])) … \(format.text(edges[index + 1]))\n"
                    + "\(FigureFormat.count.text(count)) \(countLabel)")
        }
        canvas.line(left, bottom, left + plotWidth, bottom, class: "axis")
        var free = -Double.infinity
        for value in xTicks.values {
            guard let share = xTicks.fraction(of: value) else { continue }
            let label = xTicks.label(value, format: format)
            let (x, half) = (left + share * plotWidth, Canvas.width(of: label) / 2)
            canvas.line(x, bottom, x, bottom + 5, class: "axis")
            guard x - half > free else { continue }
            free = x + half + 6
            canvas.text(label, x, bottom + 19, anchor: "middle")
        }
        canvas.text(valueLabel, left + plotWidth / 2, bottom + 39, anchor: "middle")
        canvas.text(countLabel, 14, (top + bottom) / 2, anchor: "middle", rotation: -90)
        return canvas.document(placement, title: title)
    }
}
