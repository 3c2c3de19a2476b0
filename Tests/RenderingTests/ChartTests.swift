import Rendering
import Testing

@Suite("Charts")
struct ChartTests {
    static let awkward: [[Double]] = [
        [], [.nan], [1], [0, 0, 0], [.infinity, 1, -.infinity], [1, .nan, 2], [-5, 5],
        [-.greatestFiniteMagnitude, .greatestFiniteMagnitude], [.leastNonzeroMagnitude],
    ]

    /// What a browser needs: every opened element closed, no number that is none.
    func expectDrawable(_ svg: String, _ comment: Comment) {
        var open: [Substring] = []
        var rest = svg[...]
        while let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") {
            let tag = rest[rest.index(after: start)..<end]
            if tag.hasPrefix("/") {
                #expect(open.popLast() == tag.dropFirst(), comment)
            } else if !tag.hasSuffix("/") {
                open.append(tag.prefix { $0 != " " })
            }
            rest = rest[rest.index(after: end)...]
        }
        #expect(open.isEmpty, comment)
        for attribute in svg.split(separator: "=\"").dropFirst() {
            let value = attribute.prefix { $0 != "\"" }
            let isNumber = value.first?.isNumber == true || value.first == "-" || value.first == "M"
            if isNumber { #expect(!value.contains("nan") && !value.contains("inf"), comment) }
        }
    }

    @Test("Curves of awkward values", arguments: awkward, [AxisScale.linear, .logarithmic])
    func lines(values: [Double], scale: AxisScale) {
        let points = values.enumerated().map { index, value in
            LineChart.Point(x: Double(index), y: value, interval: value.isFinite ? value...value : nil)
        }
        for placement in [ChartPlacement.inline, .half, .standalone] {
            let chart = LineChart(
                title: "t", xLabel: "x", yLabel: "y", series: [.init("a", points: points), .init("b", points: [])],
                marks: [.init(y: .nan, label: "m")], xScale: scale, yScale: scale)
            expectDrawable(chart.svg(placement), "\(values)")
        }
        expectDrawable(LineChart(title: "", xLabel: "", yLabel: "", series: []).svg(.inline), "no series")
    }

    @Test("Bars, histograms and maps of awkward values", arguments: awkward)
    func others(values: [Double]) {
        let groups = values.map { BarChart.Group("n", values: [$0, -$0]) }
        expectDrawable(BarChart(title: "t", valueLabel: "v", groups: groups).svg(.standalone), "\(values)")
        for scale in [AxisScale.linear, .logarithmic] {
            let histogram = Histogram(title: "t", valueLabel: "v", values: values, scale: scale)
            expectDrawable(histogram.svg(.inline), "\(values)")
        }
        let row = LayerMap.Row("h.0", cells: values.map { .init($0) } + [nil])
        let columns = values.map { _ in "kind" } + ["none"]
        expectDrawable(
            LayerMap(title: "t", valueLabel: "v", columns: columns, rows: [row]).svg(.inline), "\(values)")
        expectDrawable(LayerMap(title: "t", valueLabel: "v", columns: [], rows: []).svg(.inline), "empty")
        expectDrawable(Histogram(title: "t", valueLabel: "v", edges: [], counts: [1]).svg(.inline), "no edges")
    }

    @Test("A histogram counts every finite value once")
    func counts() {
        let histogram = Histogram(title: "", valueLabel: "", values: [0, 0.5, 1, .nan, .infinity], binCount: 2)
        #expect(histogram.counts == [1, 2])
        #expect(histogram.edges == [0, 0.5, 1])
    }

    @Test("Thousands of points are drawn as a few per pixel, keeping the extremes")
    func thinned() {
        var points = (0..<50_000).map { LineChart.Point(x: Double($0), y: 0) }
        points[31_234].y = 9
        let svg = LineChart(title: "", xLabel: "", yLabel: "", series: [.init("", points: points)], yRange: 0...9)
            .svg(.inline)
        #expect(svg.utf8.count < 120_000)
        #expect(svg.contains("class=\"curve s0\""))
        #expect(svg.contains(" 8L"), "the peak's place at the top of the frame")
    }

    @Test("Smoothing starts at the first value and ends near a constant one")
    func smoothed() {
        let points = LineChart.smoothed((0..<5).map { .init(x: Double($0), y: 2) }, halfLife: 1)
        #expect(points.allSatisfy { abs($0.y - 2) < 1e-12 })
        let step = LineChart.smoothed([.init(x: 0, y: 0), .init(x: 1, y: 3)], halfLife: 1)
        #expect(abs(step[1].y - 2) < 1e-12)
    }

    @Test("Labels are escaped")
    func escaped() {
        let attack = "</svg><script>alert(1)</script>"
        let charts: [any Chart] = [
            LineChart(
                title: attack, xLabel: attack, yLabel: attack, series: [.init(attack, points: [.init(x: 0, y: 0)])]),
            BarChart(title: attack, valueLabel: attack, groups: [.init(attack, values: [1], hover: attack)]),
            Histogram(title: attack, valueLabel: attack, values: [1, 2], countLabel: attack),
            LayerMap(
                title: attack, valueLabel: attack, columns: [attack],
                rows: [.init(attack, cells: [.init(1, hover: attack)])]),
        ]
        for chart in charts {
            for placement in [ChartPlacement.inline, .half, .standalone] {
                #expect(!chart.svg(placement).contains("<script"))
            }
        }
    }
}
