import Rendering
import Testing

@Suite("Sparklines")
struct SparklineTests {
    @Test("From least to greatest")
    func plain() { #expect(Sparkline.text([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█") }

    @Test("Nothing, one value, equal values, no numbers")
    func degenerate() {
        #expect(Sparkline.text([]) == "")
        #expect(Sparkline.text([3]) == "▁")
        #expect(Sparkline.text([3, 3]) == "▁▁")
        #expect(Sparkline.text([.nan, 1, .infinity, 2]) == " ▁ █")
        #expect(Sparkline.text([-.greatestFiniteMagnitude, .greatestFiniteMagnitude]) == "▁█")
    }

    @Test("More values than columns are averaged")
    func averaged() { #expect(Sparkline.text([0, 2, 4, 6, 100, 100], width: 3, range: 0...100) == "▁▁█") }
}
