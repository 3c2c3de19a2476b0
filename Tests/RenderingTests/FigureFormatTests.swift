import Rendering
import Testing

@Suite("Numbers for people")
struct FigureFormatTests {
    @Test(
        "Significant digits",
        arguments: [
            (0, "0"), (1, "1.00"), (0.5, "0.500"), (123.456, "123"), (1234.6, "1,235"), (9.999, "10.0"),
            (0.000_123_45, "0.000123"), (0.000_012_345, "1.23e-5"), (12_345_678, "1.23e7"), (-2.5, "-2.50"),
            (.leastNonzeroMagnitude, "5.00e-324"), (1.7976931348623157e308, "1.80e308"), (0.09999, "0.100"),
        ])
    func significant(value: Double, text: String) {
        #expect(FigureFormat.significant(3).text(value) == text)
    }

    @Test(
        "Fixed places",
        arguments: [
            (2.675, 2, "2.68"), (0.004, 2, "0.00"), (-0.004, 2, "0.00"), (999.995, 2, "1,000.00"),
            (1e21, 0, "1,000,000,000,000,000,000,000"),
        ])
    func fixed(value: Double, places: Int, text: String) {
        #expect(FigureFormat.fixed(places).text(value) == text)
    }

    @Test(
        "Percentages never round to nothing or everything",
        arguments: [
            (0, "0.0 %"), (1, "100.0 %"), (0.123, "12.3 %"), (0.999_999, ">99.9 %"), (0.000_001, "<0.1 %"),
            (-0.05, "-5.0 %"), (-0.000_001, "-<0.1 %"), (1.5, "150.0 %"), (0.29, "29.0 %"),
        ])
    func percent(value: Double, text: String) {
        #expect(FigureFormat.percent(1).text(value) == text)
    }

    @Test(
        "Byte counts",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1_500_000, "1.50 MB"), (999_999, "1.00 MB"),
            (343_375_872, "343 MB"), (12_345_678_901, "12.3 GB"),
        ])
    func bytes(value: Double, text: String) {
        #expect(FigureFormat.bytes.text(value) == text)
    }

    @Test(
        "Durations",
        arguments: [
            (0.0123, "12 ms"), (4.21, "4.2 s"), (59.96, "60.0 s"), (185, "3 min 05 s"), (7805, "2 h 10 min"),
        ])
    func duration(value: Double, text: String) {
        #expect(FigureFormat.duration.text(value) == text)
    }

    @Test("Settings without needless zeros, and things counted")
    func trimmed() {
        let format = FigureFormat.significant(3)
        #expect(
            [1e-5, 0.001, 150, 1.5, 0, 1e7].map { format.trimmedText($0) } == [
                "1e-5", "0.001", "150", "1.5", "0", "1e7",
            ])
        #expect(FigureFormat.percent(1).trimmedText(0.5) == "50 %")
        #expect(FigureFormat.counted(1, "tensor") == "1 tensor")
        #expect(FigureFormat.counted(1200, "tensor") == "1,200 tensors")
    }

    @Test("What is not a finite number, or is not there")
    func notFinite() {
        #expect(FigureFormat.count.text(85_843_968) == "85,843,968")
        #expect(FigureFormat.significant(3).text(.nan) == "NaN")
        #expect(FigureFormat.bytes.text(.infinity) == "∞")
        #expect(FigureFormat.percent(1).text(-.infinity) == "-∞")
        #expect(FigureFormat.fixed(2).text(nil) == "–")
    }
}
