/// How a number is written for people: the same in a terminal table, on a chart and in a report.
public enum FigureFormat: Hashable, Sendable {
    /// So many significant digits; scientific below 1e-4 and from 1e7.
    case significant(Int)
    /// So many digits after the decimal point, thousands grouped.
    case fixed(Int)
    /// `1.23e-5`, with so many significant digits.
    case scientific(Int)
    /// A fraction (0…1) as a percentage with so many digits after the point. A fraction that is not quite nothing or
    /// not quite everything is never rounded to it: `<0.1 %`, `>99.9 %`.
    case percent(Int)
    /// A byte count in SI units: `1.50 MB`.
    case bytes
    /// A whole number, thousands grouped: `85,843,968`.
    case count
    /// A number of seconds: `4.2 s`, `3 min 05 s`, `2 h 10 min`.
    case duration

    /// What stands for a value that is not there.
    public static let missing = "–"

    /// The text of a value; `missing` for nil.
    public func text(_ value: Double?) -> String {
        guard let value else { return Self.missing }
        guard let digits = DecimalDigits(value) else {
            return value.isNaN ? "NaN" : value < 0 ? "-∞" : "∞"
        }
        switch self {
        case .significant(let count): return Self.significant(value, digits, max(count, 1))
        case .fixed(let places): return digits.fixed(places: max(places, 0), grouped: true)
        case .scientific(let count): return digits.scientific(significant: max(count, 1))
        case .percent(let places): return Self.percent(value, max(places, 0))
        case .bytes: return Self.bytes(value)
        case .count: return digits.fixed(places: 0, grouped: true)
        case .duration: return Self.duration(value)
        }
    }

    /// The text of a whole number.
    public func text(_ value: Int) -> String { text(Double(value)) }

    /// The text of a value without zeros at the end of its fraction: for settings and the ends of scales.
    public func trimmedText(_ value: Double?) -> String {
        let text = text(value)
        guard let point = text.firstIndex(of: ".") else { return text }
        let end = text[point...].dropFirst().firstIndex { !$0.isWholeNumber } ?? text.endIndex
        var number = text[..<end]
        while number.hasSuffix("0") { number.removeLast() }
        if number.hasSuffix(".") { number.removeLast() }
        return String(number + text[end...])
    }

    /// A number of things: `1 tensor`, `1,200 tensors`.
    public static func counted(_ count: Int, _ noun: String) -> String {
        "\(FigureFormat.count.text(count)) \(noun)" + (count == 1 ? "" : "s")
    }

    private static func significant(_ value: Double, _ digits: DecimalDigits, _ count: Int) -> String {
        if digits.isZero { return "0" }
        let magnitude = value.magnitude
        if magnitude < 1e-4 || magnitude >= 1e7 { return digits.scientific(significant: count) }
        var rounded = digits
        rounded.round(toSignificant: max(count, digits.exponent))
        return rounded.fixed(places: max(0, count - rounded.exponent), grouped: true)
    }

    private static func percent(_ value: Double, _ places: Int) -> String {
        func shown(_ fraction: Double) -> String {
            // Hundredfold in the digits' own exponent would be exact; a product is near enough for a percentage.
            (DecimalDigits(fraction * 100)?.fixed(places: places) ?? "") + " %"
        }
        var smallest = 0.01
        for _ in 0..<places { smallest /= 10 }
        let text = shown(value)
        if value > 0, text == shown(0) { return "<" + shown(smallest) }
        if value < 0, text == shown(0) { return "-<" + shown(smallest) }
        if value < 1, text == shown(1) { return ">" + shown(1 - smallest) }
        return text
    }

    private static func bytes(_ value: Double) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        var amount = value
        var unit = 0
        // 999.5 would be shown as 1000 of its unit.
        while amount.magnitude >= 999.5, unit < units.count - 1 {
            amount /= 1000
            unit += 1
        }
        guard unit > 0, var digits = DecimalDigits(amount) else {
            return FigureFormat.count.text(value) + " B"
        }
        digits.round(toSignificant: 3)
        return digits.fixed(places: max(0, 3 - digits.exponent)) + " " + units[unit]
    }

    private static func duration(_ value: Double) -> String {
        guard value.magnitude < 1e9 else { return FigureFormat.significant(3).text(value) + " s" }
        if value < 0 { return "-" + duration(-value) }
        if value < 1 { return FigureFormat.significant(2).text(value * 1000) + " ms" }
        if value < 60 { return FigureFormat.fixed(1).text(value) + " s" }
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let seconds = Int(value.rounded())
        if seconds < 3600 { return "\(seconds / 60) min \(padded(seconds % 60)) s" }
        return "\(seconds / 3600) h \(padded(seconds % 3600 / 60)) min"
    }
}
