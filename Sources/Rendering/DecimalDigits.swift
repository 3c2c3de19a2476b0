/// The shortest decimal digits that name a finite `Double`, which the number formats round and lay out.
///
/// The value is `0.d₁d₂d₃… × 10^exponent`; zero has no digits. Rounding works on these digits (half away from zero),
/// so that 2.675 shown to two places is 2.68: what a reader who sees "2.675" expects.
struct DecimalDigits: Hashable, Sendable {
    var isNegative: Bool
    private(set) var digits: [UInt8]
    private(set) var exponent: Int

    /// The digits of `value`; nil when it is infinite or not a number.
    init?(_ value: Double) {
        guard value.isFinite else { return nil }
        isNegative = value < 0
        digits = []
        exponent = 0
        // `description` is the shortest text that reads back as the same value: "12.5", "1e-05", "1.5e+20".
        var fractionCount = 0
        var seesFraction = false
        var scale = 0
        let text = value.magnitude.description
        let parts = text.split(separator: "e", maxSplits: 1)
        for character in parts.first ?? "" {
            if character == "." {
                seesFraction = true
            } else if let digit = character.wholeNumberValue {
                digits.append(UInt8(digit))
                if seesFraction { fractionCount += 1 }
            }
        }
        if parts.count == 2 { scale = Int(parts[1]) ?? 0 }
        exponent = digits.count - fractionCount + scale
        normalise()
    }

    var isZero: Bool { digits.isEmpty }

    /// Rounds to at most `count` significant digits.
    mutating func round(toSignificant count: Int) {
        keep(max(count, 1))
    }

    /// Rounds to `places` digits after the decimal point.
    mutating func round(toPlaces places: Int) {
        keep(exponent + places)
    }

    /// The value with exactly `places` digits after the point, thousands grouped by commas when asked.
    func fixed(places: Int, grouped: Bool = false) -> String {
        var rounded = self
        rounded.round(toPlaces: places)
        var whole = ""
        for position in 0..<max(rounded.exponent, 1) {
            if rounded.exponent <= 0 {
                whole = "0"
            } else {
                if grouped, position > 0, (rounded.exponent - position) % 3 == 0 { whole += "," }
                whole += String(rounded.digit(at: position))
            }
        }
        var text = whole
        if places > 0 {
            text += "."
            for place in 0..<places { text += String(rounded.digit(at: rounded.exponent + place)) }
        }
        return (rounded.isNegative && !rounded.isZero ? "-" : "") + text
    }

    /// The value as `d.ddde-5` with `count` significant digits.
    func scientific(significant count: Int) -> String {
        guard !isZero else { return "0" }
        var rounded = self
        rounded.round(toSignificant: count)
        var text = String(rounded.digit(at: 0))
        if count > 1 {
            text += "."
            for position in 1..<count { text += String(rounded.digit(at: position)) }
        }
        return (isNegative ? "-" : "") + text + "e" + String(rounded.exponent - 1)
    }

    private func digit(at position: Int) -> UInt8 {
        digits.indices.contains(position) ? digits[position] : 0
    }

    private mutating func keep(_ count: Int) {
        guard count < digits.count else { return }
        guard count >= 0 else {
            digits = []
            exponent = 0
            return
        }
        let roundsUp = digits[count] >= 5
        digits.removeSubrange(count...)
        if roundsUp {
            var position = count - 1
            while position >= 0, digits[position] == 9 {
                digits[position] = 0
                position -= 1
            }
            if position >= 0 {
                digits[position] += 1
            } else {
                digits.insert(1, at: 0)
                exponent += 1
            }
        }
        normalise()
    }

    private mutating func normalise() {
        let zeros = digits.prefix { $0 == 0 }.count
        digits.removeFirst(zeros)
        exponent -= zeros
        while digits.last == 0 { digits.removeLast() }
        if digits.isEmpty { exponent = 0 }
    }
}
