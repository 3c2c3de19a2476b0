import Yams

/// One value of a configuration file or of `--set`, before it is known which type it should have.
package struct ConfigurationValue: Sendable {
    /// Why a value does not fit its field.
    package struct Mismatch: Error, Hashable, Sendable {
        let found: String
        let expected: String
    }

    private indirect enum Content: Sendable {
        case null
        case plain(String)
        case quoted(String)
        case list([ConfigurationValue])
        case section
    }

    private let content: Content

    init(_ node: Node) {
        switch node {
        case .scalar(let scalar):
            let isQuoted = scalar.style == .singleQuoted || scalar.style == .doubleQuoted
            content =
                if isQuoted {
                    .quoted(scalar.string)
                } else if ["", "~", "null"].contains(scalar.string) {
                    .null
                } else {
                    .plain(scalar.string)
                }
        case .sequence(let sequence): content = .list(sequence.map(Self.init))
        case .mapping: content = .section
        case .alias: content = .null  // composing resolves aliases
        }
    }

    /// What the value is, for messages.
    var found: String {
        switch content {
        case .null: "nothing"
        case .quoted(let text): "the text \(text.debugDescription)"
        case .plain(let text):
            if Double(text.replacing("_", with: "")) != nil {
                "the number \(text)"
            } else if text == "true" || text == "false" {
                text
            } else {
                "the text \(text.debugDescription)"
            }
        case .list: "a list"
        case .section: "a section"
        }
    }

    /// A whole number in a range, written in decimal; underscores may group the digits.
    func integer(in range: ClosedRange<Int>) throws(Mismatch) -> Int {
        guard case .plain(let text) = content, let value = Int(text.replacing("_", with: "")), range.contains(value)
        else {
            throw Mismatch(
                found: found, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A seed.
    func unsignedInteger() throws(Mismatch) -> UInt64 {
        guard case .plain(let text) = content, let value = UInt64(text.replacing("_", with: "")) else {
            throw Mismatch(found: found, expected: "a whole number from 0 to \(UInt64.max)")
        }
        return value
    }

    /// A finite number in a range.
    func number(in range: NumberRange) throws(Mismatch) -> Double {
        guard case .plain(let text) = content, let value = Double(text.replacing("_", with: "")), value.isFinite,
            range.contains(value)
        else { throw Mismatch(found: found, expected: range.description) }
        return value
    }

    /// `true` or `false`.
    func flag() throws(Mismatch) -> Bool {
        switch content {
        case .plain("true"): return true
        case .plain("false"): return false
        default: throw Mismatch(found: found, expected: "true or false")
        }
    }

    /// One of the names.
    func choice(among names: [String]) throws(Mismatch) -> String {
        switch content {
        case .plain(let text) where names.contains(text): return text
        case .quoted(let text) where names.contains(text): return text
        default: throw Mismatch(found: found, expected: "one of " + names.joined(separator: ", "))
        }
    }

    /// A name of letters, digits and underscores.
    func name() throws(Mismatch) -> String {
        switch content {
        case .plain(let text) where text.utf8.allSatisfy(Self.isNamed),
            .quoted(let text) where !text.isEmpty && text.utf8.allSatisfy(Self.isNamed):
            return text
        default: throw Mismatch(found: found, expected: "a name, or none")
        }
    }

    private static func isNamed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Whether it is the word `auto`.
    var isAuto: Bool { if case .plain("auto") = content { true } else { false } }

    /// A list of whole numbers in a range.
    func integers(in range: ClosedRange<Int>) throws(Mismatch) -> [Int] {
        guard case .list(let values) = content else {
            throw Mismatch(found: found, expected: "a list of whole numbers such as [128, 128]")
        }
        var integers: [Int] = []
        for value in values { integers.append(try value.integer(in: range)) }
        return integers
    }
}

/// The numbers that a setting may have.
package struct NumberRange: Sendable, CustomStringConvertible {
    private let lowerBound: Double
    private let upperBound: Double
    private let includesLowerBound: Bool

    /// From one number to another, both included.
    static func from(_ lower: Double, to upper: Double) -> Self {
        Self(lowerBound: lower, upperBound: upper, includesLowerBound: true)
    }

    /// Above a number, up to another, which is included.
    static func above(_ lower: Double, to upper: Double) -> Self {
        Self(lowerBound: lower, upperBound: upper, includesLowerBound: false)
    }

    func contains(_ value: Double) -> Bool {
        (includesLowerBound ? value >= lowerBound : value > lowerBound) && value <= upperBound
    }

    /// For example `a number above 0, at most 1`.
    package var description: String {
        let lower = Self.text(lowerBound)
        if upperBound.isInfinite {
            return includesLowerBound ? "a number from \(lower)" : "a number above \(lower)"
        }
        let upper = Self.text(upperBound)
        return includesLowerBound ? "a number from \(lower) to \(upper)" : "a number above \(lower), at most \(upper)"
    }

    private static func text(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}
