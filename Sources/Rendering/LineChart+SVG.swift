extension LineChart {
    /// The chart as SVG.
    public func svg(_ placement: ChartPlacement) -> String {
        let size = (width: placement.width, height: placement == .half ? 300.0 : 360.0)
        var canvas = Canvas(width: size.width, height: size.height)
        var top = 8.0
        if placement == .standalone {
            canvas.text(title, 12, 22, class: "title")
            top = 36
        }
        let allY = series.flatMap { series in
            series.points.flatMap { [$0.y, $0.interval?.lowerBound ?? .nan, $0.interval?.upperBound ?? .nan] }
        }
        let yTicks = AxisTicks.fitting(allY + marks.map(\.y), scale: yScale, fixed: yRange, count: 5)
        let allX = series.flatMap { $0.points.map(\.x) }
        let xTicks = AxisTicks.fitting(
            allX, scale: xScale, count: placement == .half ? 4 : 7, isTight: true,
            leastStep: allX.allSatisfy { $0 == $0.rounded() } ? 1 : 0)
        let yLabels = yTicks.values.map { yTicks.label($0, format: yFormat) }
        let left = 34 + (yLabels.map(Canvas.width(of:)).max() ?? 0)
        // Half of the last label hangs over the frame's end.
        let right = max(
            20, 6 + (xTicks.values.last.map { Canvas.width(of: xTicks.label($0, format: xFormat)) } ?? 0) / 2)
        let legend = series.enumerated().filter { !$0.element.name.isEmpty }
            .map { (name: $0.element.name, class: "s\(colour(of: $0.offset))", isDashed: $0.element.stroke == .dashed) }
        if legend.count > 1 { top += canvas.legend(legend, x: left, y: top, limit: size.width - 16) + 4 }
        let frame = Frame(
            left: left, top: top, width: size.width - left - right, height: max(size.height - top - 48, 60), x: xTicks,
            y: yTicks)
        draw(axesOf: frame, yLabels: yLabels, on: &canvas)
        if series.allSatisfy(\.points.isEmpty) {
            canvas.text("no data", frame.left + frame.width / 2, frame.top + frame.height / 2, anchor: "middle")
        }
        // A nested drawing clips what lies beyond a given range.
        canvas.add(
            "<svg x=\"\(Markup.coordinate(frame.left))\" y=\"\(Markup.coordinate(frame.top - 6))\" "
                + "width=\"\(Markup.coordinate(frame.width + 8))\" height=\"\(Markup.coordinate(frame.height + 12))\" "
                + "viewBox=\"\(Markup.coordinate(frame.left)) \(Markup.coordinate(frame.top - 6)) "
                + "\(Markup.coordinate(frame.width + 8)) \(Markup.coordinate(frame.height + 12))\">")
        for (index, series) in series.enumerated() { draw(bandOf: series, index, in: frame, on: &canvas) }
        for (index, series) in series.enumerated() { draw(curveOf: series, index, in: frame, on: &canvas) }
        for (index, series) in series.enumerated() { draw(pointsOf: series, index, in: frame, on: &canvas) }
        canvas.add("</svg>")
        return canvas.document(placement, title: title)
    }

    /// The area that the curves are drawn in.
    private struct Frame {
        var left: Double
        var top: Double
        var width: Double
        var height: Double
        var x: AxisTicks
        var y: AxisTicks

        func horizontal(_ value: Double) -> Double? { x.fraction(of: value).map { left + $0 * width } }

        func vertical(_ value: Double) -> Double? {
            // Far outside is as good as just outside, and keeps the numbers small.
            y.fraction(of: value).map { top + (1 - min(max($0, -2), 3)) * height }
        }
    }

    private func colour(of index: Int) -> Int {
        let colour = series[index].colour ?? index
        return ((colour % ChartStyle.seriesCount) + ChartStyle.seriesCount) % ChartStyle.seriesCount
    }

    private func draw(axesOf frame: Frame, yLabels: [String], on canvas: inout Canvas) {
        let bottom = frame.top + frame.height
        for (value, label) in zip(frame.y.values, yLabels) {
            guard let y = frame.vertical(value) else { continue }
            canvas.line(frame.left, y, frame.left + frame.width, y, class: "grid")
            canvas.text(label, frame.left - 8, y + 4, anchor: "end")
        }
        canvas.line(frame.left, bottom, frame.left + frame.width, bottom, class: "axis")
        var free = -Double.infinity
        for value in frame.x.values {
            guard let x = frame.horizontal(value) else { continue }
            canvas.line(x, bottom, x, bottom + 5, class: "axis")
            let label = frame.x.label(value, format: xFormat)
            let half = Canvas.width(of: label) / 2
            guard x - half > free else { continue }
            free = x + half + 6
            canvas.text(label, x, bottom + 19, anchor: "middle")
        }
        canvas.text(xLabel, frame.left + frame.width / 2, bottom + 39, anchor: "middle")
        canvas.text(yLabel, 14, frame.top + frame.height / 2, anchor: "middle", rotation: -90)
        for mark in marks {
            guard let y = frame.vertical(mark.y) else { continue }
            canvas.line(frame.left, y, frame.left + frame.width, y, class: "guide")
            canvas.text(mark.label, frame.left + frame.width - 4, y - 5, anchor: "end")
        }
    }

    private func draw(bandOf series: Series, _ index: Int, in frame: Frame, on canvas: inout Canvas) {
        for stretch in series.points.split(whereSeparator: { $0.interval == nil || !$0.x.isFinite }) {
            var upper: [String] = []
            var lower: [String] = []
            for point in stretch {
                guard let interval = point.interval, let x = frame.horizontal(point.x) else { continue }
                let floor = frame.vertical(interval.lowerBound) ?? (frame.top + frame.height)
                guard let ceiling = frame.vertical(interval.upperBound) else { continue }
                upper.append("\(Markup.coordinate(x)) \(Markup.coordinate(ceiling))")
                lower.append("\(Markup.coordinate(x)) \(Markup.coordinate(floor))")
            }
            guard upper.count > 1 else { continue }
            let path = "M" + upper.joined(separator: "L") + "L" + lower.reversed().joined(separator: "L") + "Z"
            canvas.add(Markup.element("path", ["class": "band f\(colour(of: index))", "d": path]))
        }
    }

    private func draw(curveOf series: Series, _ index: Int, in frame: Frame, on canvas: inout Canvas) {
        let style =
            switch series.stroke {
            case .solid: ""
            case .dashed: " dashed"
            case .faint: " faint"
            }
        var path = ""
        var isOpen = false
        for place in thinned(series.points, in: frame) {
            guard let place else {
                isOpen = false
                continue
            }
            path += "\(isOpen ? "L" : "M")\(Markup.coordinate(place.x)) \(Markup.coordinate(place.y))"
            isOpen = true
        }
        guard !path.isEmpty else { return }
        canvas.add(Markup.element("path", ["class": "curve s\(colour(of: index))" + style, "d": path]))
    }

    /// The points' places, nil where the curve is interrupted. Where there are many more points than pixels, each
    /// pixel's least and greatest stand for all.
    private func thinned(_ points: [Point], in frame: Frame) -> [(x: Double, y: Double)?] {
        let places = points.map { point -> (x: Double, y: Double)? in
            guard let x = frame.horizontal(point.x), let y = frame.vertical(point.y) else { return nil }
            return (x, y)
        }
        guard places.count > Int(4 * frame.width) else { return places }
        var result: [(x: Double, y: Double)?] = []
        var column: [(x: Double, y: Double)] = []
        func flush() {
            if let least = column.enumerated().min(by: { $0.element.y < $1.element.y }),
                let greatest = column.enumerated().max(by: { $0.element.y < $1.element.y })
            {
                let (first, second) = least.offset <= greatest.offset ? (least, greatest) : (greatest, least)
                result.append(first.element)
                if second.offset != first.offset { result.append(second.element) }
            }
            column = []
        }
        for place in places {
            guard let place else {
                flush()
                result.append(nil)
                continue
            }
            if let first = column.first, place.x.rounded(.down) != first.x.rounded(.down) { flush() }
            column.append(place)
        }
        flush()
        return result
    }

    private func draw(pointsOf series: Series, _ index: Int, in frame: Frame, on canvas: inout Canvas) {
        guard series.stroke != .faint else { return }
        // Dots while they are few; places to hover over while a browser can bear them.
        let showsDots = series.points.count <= 40
        let stride = max(1, series.points.count / 160)
        for (number, point) in series.points.enumerated() where number % stride == 0 {
            guard let x = frame.horizontal(point.x), let y = frame.vertical(point.y) else { continue }
            if showsDots { canvas.circle(x, y, radius: 3.5, class: "dot f\(colour(of: index))") }
            var hover = series.name.isEmpty ? "" : series.name + "\n"
            hover += "\(xLabel): \(xFormat.text(point.x))\n\(yLabel): \(yFormat.text(point.y))"
            if let interval = point.interval {
                hover += "\n\(yFormat.text(interval.lowerBound)) … \(yFormat.text(interval.upperBound))"
            }
            canvas.circle(x, y, radius: 7, class: "hit f\(colour(of: index))", hover: hover)
        }
    }
}
