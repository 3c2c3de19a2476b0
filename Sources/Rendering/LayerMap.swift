/// A heat map of layers by kinds of tensor.
public struct LayerMap: Chart, Hashable, Sendable {
    /// One coloured field.
    public struct Cell: Hashable, Sendable {
        /// The value; not a number where there is none.
        public var value: Double
        /// More to say when the pointer rests on it.
        public var hover: String

        /// A field.
        public init(_ value: Double, hover: String = "") {
            self.value = value
            self.hover = hover
        }
    }

    /// What the map shows.
    public var title: String
    /// What the colours measure.
    public var valueLabel: String
    /// The names of the columns: kinds of tensor.
    public var columns: [String]
    /// The rows from top to bottom: a layer's name and its fields, nil where the layer has no such tensor.
    public var rows: [Row]
    /// How values become colours; nil to fit them.
    public var scale: HeatScale?
    /// How values are written.
    public var format: FigureFormat

    /// A layer's name and its fields.
    public struct Row: Hashable, Sendable {
        /// The layer.
        public var label: String
        /// One field for each column.
        public var cells: [Cell?]

        /// A layer.
        public init(_ label: String, cells: [Cell?]) {
            self.label = label
            self.cells = cells
        }
    }

    /// A map.
    public init(
        title: String, valueLabel: String, columns: [String], rows: [Row], scale: HeatScale? = nil,
        format: FigureFormat = .significant(2)
    ) {
        self.title = title
        self.valueLabel = valueLabel
        self.columns = columns
        self.rows = rows
        self.scale = scale
        self.format = format
    }

    /// The map as SVG.
    public func svg(_ placement: ChartPlacement) -> String {
        let width = placement.width
        var canvas = Canvas(width: width, height: 0)
        var top = 8.0
        if placement == .standalone {
            canvas.text(title, 12, 22, class: "title")
            top = 36
        }
        let scale = scale ?? HeatScale.fitting(rows.flatMap { $0.cells.compactMap { $0?.value } }, .linear)
        let labelWidth = min(180, rows.map { Canvas.width(of: $0.label) }.max() ?? 0)
        let left = 12 + labelWidth + 10
        let cellWidth = columns.isEmpty ? 0 : (width - left - 16) / Double(columns.count)
        let cellHeight = 24.0
        let isSlanted = columns.contains { Canvas.width(of: $0) > cellWidth - 6 }
        let headerHeight =
            isSlanted ? min(130, 14 + (columns.map { Canvas.width(of: $0) }.max() ?? 0) * 0.6) : 20
        for (index, column) in columns.enumerated() {
            let x = left + (Double(index) + 0.5) * cellWidth
            if isSlanted {
                canvas.text(
                    column.truncated(toWidth: 30, keeping: .both), x - 4, top + headerHeight - 6, rotation: -35,
                    hover: column)
            } else {
                canvas.text(column, x, top + headerHeight - 7, anchor: "middle")
            }
        }
        top += headerHeight
        if rows.isEmpty { canvas.text("no data", width / 2, top + 16, anchor: "middle") }
        for (number, row) in rows.enumerated() {
            let y = top + Double(number) * cellHeight
            let label = row.label.truncated(toWidth: Int(labelWidth / Canvas.columnWidth), keeping: .both)
            canvas.text(
                label, left - 10, y + cellHeight / 2 + 4, anchor: "end", hover: label == row.label ? nil : row.label)
            for (index, cell) in row.cells.prefix(columns.count).enumerated() {
                guard let cell, let level = scale.level(of: cell.value) else { continue }
                let x = left + Double(index) * cellWidth
                let value = format.text(cell.value)
                var hover = "\(row.label) · \(columns[index])\n\(valueLabel): \(value)"
                if !cell.hover.isEmpty { hover += "\n" + cell.hover }
                canvas.rectangle(
                    x + 1, y + 1, cellWidth - 2, cellHeight - 2, class: "cell q\(level)", hover: hover, radius: 3)
                if Canvas.width(of: value) < cellWidth - 8 {
                    canvas.text(value, x + cellWidth / 2, y + cellHeight / 2 + 4, anchor: "middle", class: "i\(level)")
                }
            }
        }
        top += max(Double(rows.count) * cellHeight, 24) + 14
        drawLegend(scale, x: left, y: top, on: &canvas)
        canvas.grow(toHeight: top + 36)
        return canvas.document(placement, title: title)
    }

    private func drawLegend(_ scale: HeatScale, x: Double, y: Double, on canvas: inout Canvas) {
        let swatch = 14.0
        let end = x + swatch * Double(HeatScale.levelCount)
        for level in 0..<HeatScale.levelCount {
            canvas.rectangle(x + Double(level) * swatch, y, swatch, 10, class: "cell q\(level)")
        }
        canvas.text(format.trimmedText(scale.lower), x, y + 26)
        canvas.text(format.trimmedText(scale.middle), (x + end) / 2, y + 26, anchor: "middle")
        canvas.text(format.trimmedText(scale.upper), end, y + 26, anchor: "end")
        canvas.text(valueLabel, end + 12, y + 9)
    }
}
