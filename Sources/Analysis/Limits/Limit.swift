/// A condition that a figure of a report must not meet: `kl.p99>0.5`, `changed.frozen:wte*>0`.
///
/// The text is FIGURE, then optionally `:` and what it is about, a relation, and a number (`5%` is 0.05). A figure that is
/// NaN, or cannot be measured, breaks every limit on it.
public struct Limit: Hashable, Sendable {
    /// How a value stands to the bound where the limit is broken.
    public enum Relation: String, CaseIterable, Hashable, Sendable {
        case above = ">"
        case atLeast = ">="
        case below = "<"
        case atMost = "<="
        case equal = "=="
        case unequal = "!="
    }

    /// The figure's name, as its report lists it.
    public let figure: String
    /// What the figure is about; nil for everything.
    public let scope: Scope?
    /// How a value stands to ``bound`` where the limit is broken.
    public let relation: Relation
    /// What the figure is compared with; never NaN.
    public let bound: Double

    /// Reads a limit.
    ///
    /// - Throws: ``LimitError`` saying what is missing or cannot be read.
    public init(_ text: String) throws(LimitError) {
        let signs: Set<Character> = ["<", ">", "=", "!"]
        // The last relation: a tensor's name may have such signs too.
        guard let lastSign = text.lastIndex(where: signs.contains) else {
            throw LimitError(limit: text, found: "no relation", expected: Self.expectedRelation)
        }
        let before = text[..<lastSign].lastIndex { !signs.contains($0) }
        let start = before.map { text.index(after: $0) } ?? text.startIndex
        let end = text.index(after: lastSign)
        guard let relation = Relation(rawValue: String(text[start..<end])) else {
            throw LimitError(
                limit: text, found: "the relation '\(text[start..<end])'", expected: Self.expectedRelation)
        }
        var number = text[end...].filter { $0 != " " }
        let isPercentage = number.last == "%"
        if isPercentage { number.removeLast() }
        guard let value = Double(number), !value.isNaN else {
            throw LimitError(limit: text, found: "'\(text[end...])'", expected: "a number, for example 1e-3 or 5%")
        }
        let subject = text[..<start]
        let colon = subject.firstIndex(of: ":")
        figure = Self.trimmed(subject[..<(colon ?? subject.endIndex)])
        scope = try colon.map { colon throws(LimitError) in
            try Scope(Self.trimmed(subject[subject.index(after: colon)...]), limit: text)
        }
        self.relation = relation
        bound = isPercentage ? value / 100 : value
        guard !figure.isEmpty else {
            throw LimitError(limit: text, found: "no figure", expected: "a figure's name, for example relativeL2>1e-3")
        }
    }

    /// Whether a value breaks the limit; a NaN does.
    public func isBroken(by value: Double) -> Bool {
        guard !value.isNaN else { return true }
        return switch relation {
        case .above: value > bound
        case .atLeast: value >= bound
        case .below: value < bound
        case .atMost: value <= bound
        case .equal: value == bound
        case .unequal: value != bound
        }
    }

    /// The bound in the shortest form that reads back, a whole number without a fraction.
    private var boundText: String {
        let text = "\(bound)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    private static let expectedRelation =
        "one of " + Relation.allCases.map(\.rawValue).joined(separator: ", ") + ", as in relativeL2>1e-3"

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

extension Limit: CustomStringConvertible {
    /// The limit as it can be read again.
    public var description: String {
        "\(figure)\(scope.map { ":\($0)" } ?? "")\(relation.rawValue)\(boundText)"
    }
}

/// A limit that cannot be read or set: where, what was found, what was expected.
public struct LimitError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The limit's text, or the policy file's line.
    public let limit: String
    /// What was found.
    public let found: String
    /// What was expected.
    public let expected: String

    init(limit: String, found: String, expected: String) {
        (self.limit, self.found, self.expected) = (limit, found, expected)
    }

    /// One line.
    public var description: String { "\(limit): found \(found), expected \(expected)" }
}
