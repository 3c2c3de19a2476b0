/// Horizontal bars, one or several to a name.
public struct BarChart: Chart, Hashable, Sendable {
    /// One name and its bars.
    public struct Group: Hashable, Sendable {
        /// The name: a tensor, a layer.
        public var label: String
        /// One value for each of the chart's series; not finite where there is none.
        public var values: [Double]
        /// More to say when the pointer rests on it.
        public var hover: String

        /// A name and its values.
        public init(_ label: String, values: [Double], hover: String = "") {
            self.label = label
            self.values = values
            self.hover = hover
        }
    }

    /// What the chart shows.
    public var title: String
    /// What the bars measure.
    public var valueLabel: String
    /// The names of the bars in a group; one for a plain chart.
    public var seriesNames: [String]
    /// The groups from top to bottom.
    public var groups: [Group]
    /// How values are written.
    public var format: FigureFormat

    /// A chart of bars.
    public init(
        title: String, valueLabel: String, seriesNames: [String] = [], groups: [Group],
        format: FigureFormat = .significant(3)
    ) {
        self.title = title
        self.valueLabel = valueLabel
        self.seriesNames = seriesNames
        self.groups = groups
        self.format = format
    }

    /// The chart as SVG.
    public func svg(_ placement: ChartPlacement) -> String {
        let width = placement.width
        var canvas = Canvas(width: width, height: 0)
        var top = 8.0
        if placement == .standalone {
            canvas.text(title, 12, 22, class: "title")
            top = 36
        }
        let barCount = max(1, groups.map(\.values.count).max() ?? 1)
        let barHeight = barCount == 1 ? 14.0 : 10.0
        let pitch = Double(barCount) * barHeight + (barCount == 1 ? 8 : 12)
        let values = groups.flatMap(\.values)
        let ticks = AxisTicks.fitting(values + [0], scale: .linear, count: 5)
        let labelWidth = min(width * 0.36, groups.map { Canvas.width(of: $0.label) }.max() ?? 0)
        let valueWidth = values.map { Canvas.width(of: format.text($0)) }.max() ?? 0
        let left = 12 + labelWidth + 10
        let endWidth = (ticks.values.last.map { Canvas.width(of: ticks.label($0, format: format)) } ?? 0) / 2
        let plot = max(width - left - max(valueWidth + 10, endWidth) - 8, 60)
        if seriesNames.count > 1 {
            let entries = seriesNames.enumerated().map {
                (name: $0.element, class: "s\($0.offset % ChartStyle.seriesCount)", isDashed: false)
            }
            top += canvas.legend(entries, x: left, y: top, limit: width - 16) + 4
        }
        let bottom = top + max(Double(groups.count) * pitch, pitch)
        func place(_ value: Double) -> Double { left + (ticks.fraction(of: value) ?? 0) * plot }
        for tick in ticks.values {
            canvas.line(place(tick), top, place(tick), bottom, class: "grid")
            canvas.text(ticks.label(tick, format: format), place(tick), bottom + 17, anchor: "middle")
        }
        if groups.isEmpty { canvas.text("no data", left + plot / 2, top + pitch / 2 + 4, anchor: "middle") }
        for (row, group) in groups.enumerated() {
            let y = top + Double(row) * pitch + (barCount == 1 ? 4 : 6)
            let label = group.label.truncated(toWidth: Int(labelWidth / Canvas.columnWidth), keeping: .both)
            canvas.text(
                label, left - 10, y + Double(barCount) * barHeight / 2 + 4, anchor: "end",
                hover: label == group.label ? nil : group.label)
            for (index, value) in group.values.enumerated() where value.isFinite {
                let (start, end) = (place(min(value, 0)), place(max(value, 0)))
                let name = seriesNames.indices.contains(index) ? " (\(seriesNames[index]))" : ""
                var hover = "\(group.label)\(name): \(format.text(value))"
                if !group.hover.isEmpty { hover += "\n" + group.hover }
                let barTop = y + Double(index) * barHeight
                canvas.rectangle(
                    start, barTop, max(end - start, 1), barHeight - (barCount == 1 ? 0 : 1),
                    class: "f\(index % ChartStyle.seriesCount)", hover: hover, radius: 1.5)
                canvas.text(
                    format.text(value), end + 6, barTop + barHeight / 2 + 4, class: "value")
            }
        }
        canvas.line(place(0), top, place(0), bottom, class: "axis")
        canvas.text(valueLabel, left + plot / 2, bottom + 36, anchor: "middle")
        canvas.grow(toHeight: bottom + 46)
        return canvas.document(placement, title: title)
    }
}
