import Rendering
import Testing

@Suite("Axes")
struct AxisTicksTests {
    func labels(_ values: [Double], _ scale: AxisScale = .linear, format: FigureFormat = .significant(3)) -> [String] {
        let ticks = AxisTicks.fitting(values, scale: scale)
        return ticks.values.map { ticks.label($0, format: format) }
    }

    @Test("Round values, with the places that their distance asks for")
    func linear() {
        #expect(labels([0, 1]) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(labels([0, 12_000]) == ["0", "5,000", "10,000", "15,000"])
        #expect(labels([-3, 7]) == ["−4", "−2", "0", "2", "4", "6", "8"])
        #expect(labels([0.4, 1], format: .percent(1)) == ["40 %", "60 %", "80 %", "100 %"])
        #expect(labels([0, 2e-6]) == ["0", "5.0e−7", "1.0e−6", "1.5e−6", "2.0e−6"])
        #expect(labels([0.991, 0.999]) == ["0.990", "0.992", "0.994", "0.996", "0.998", "1.000"])
    }

    @Test("Powers of ten")
    func logarithmic() {
        #expect(labels([0.001, 5], .logarithmic) == ["0.001", "0.01", "0.1", "1", "10"])
        #expect(labels([1, 50], .logarithmic) == ["1", "2", "5", "10", "20", "50", "100"])
        #expect(labels([0, -1], .logarithmic) == ["0.1", "0.2", "0.5", "1"])
    }

    @Test(
        "Whatever the values, there are some ticks and they lie on the axis",
        arguments: [
            [], [.nan], [5], [0], [.infinity, -.infinity], [-.greatestFiniteMagnitude, .greatestFiniteMagnitude],
            [.leastNonzeroMagnitude, .leastNormalMagnitude], [1e17, 1e17 + 16], [1e300, 1], [3, 3, 3],
        ] as [[Double]], [AxisScale.linear, .logarithmic])
    func extremes(values: [Double], scale: AxisScale) {
        let ticks = AxisTicks.fitting(values, scale: scale)
        #expect(ticks.lower < ticks.upper)
        #expect((1...60).contains(ticks.values.count))
        for value in ticks.values {
            let fraction = ticks.fraction(of: value) ?? -1
            #expect((-0.001...1.001).contains(fraction))
        }
    }

    @Test("Nothing stands between whole numbers on an axis of counts")
    func wholeNumbers() {
        #expect(AxisTicks.fitting([1, 2], scale: .linear, isTight: true, leastStep: 1).values == [1, 2])
        #expect(AxisTicks.fitting([0, 40], scale: .linear, isTight: true, leastStep: 1).values == [0, 10, 20, 30, 40])
        let chart = LineChart(
            title: "", xLabel: "policy", yLabel: "",
            series: [.init("", points: [.init(x: 1, y: 3), .init(x: 2, y: 4)])])
        #expect(!chart.svg(.inline).contains(">1.5<"))
    }
}
