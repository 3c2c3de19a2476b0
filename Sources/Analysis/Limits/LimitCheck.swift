/// A figure that limits can be set on.
public struct LimitFigure: Hashable, Sendable {
    /// The name.
    public let name: String
    /// What it means, in a few words.
    public let meaning: String
}

/// The value of a figure, for one of the things that it is about.
public struct LimitMeasurement: Hashable, Sendable {
    /// What was measured: a tensor, a layer, all weights.
    public let subject: String
    /// The value; NaN where there is none.
    public let value: Double
    /// Why there is no value.
    public let gap: String?

    /// A value.
    init(_ subject: String, _ value: Double) {
        (self.subject, self.value, gap) = (subject, value, value.isNaN ? "it is NaN" : nil)
    }

    /// Something that has no value, and why.
    init(_ subject: String, gap: String) { (self.subject, value, self.gap) = (subject, .nan, gap) }
}

/// A report whose figures can have limits.
public protocol LimitedReport {
    /// The figures, in the order in which a reader should see them.
    static var limitFigures: [LimitFigure] { get }
    /// The names of ``limitFigures`` in a form that fits a message.
    static var limitFigureNames: String { get }
    /// The words that may stand before `=` in a limit's scope, with those that a report knows after it.
    static var limitProperties: [String] { get }
    /// The values that a limit is about; empty where nothing matches its scope.
    ///
    /// - Throws: ``LimitError`` where the figure was not asked for when the report was made.
    func measurements(for limit: Limit) throws(LimitError) -> [LimitMeasurement]
}

/// How a report stands to a limit.
public struct LimitCheck: Codable, Hashable, Sendable {
    /// The limit.
    public let limit: String
    /// Whether it is broken.
    public let isBroken: Bool
    /// What the worst value belongs to; nil where nothing matched.
    public let subject: String?
    /// The worst value; nil where there is none.
    public let value: Double?
    /// What the figure is compared with.
    public let bound: Double
    /// How many of the values break the limit.
    public let brokenCount: Int
    /// How many values there are.
    public let measuredCount: Int
    /// Why the worst value is none; nil where it is a number.
    public let gap: String?
}

extension LimitedReport {
    /// All names.
    public static var limitFigureNames: String { limitFigures.map(\.name).joined(separator: ", ") }

    /// Checks that a limit is on a figure and a property that such a report has.
    ///
    /// - Throws: ``LimitError`` listing what is known.
    public static func validate(_ limit: Limit) throws(LimitError) {
        guard limitFigures.contains(where: { $0.name == limit.figure }) else {
            throw LimitError(
                limit: "\(limit)", found: "the figure '\(limit.figure)'",
                expected: "one of " + limitFigureNames)
        }
        if case .property(let name, _) = limit.scope, !limitProperties.contains(name) {
            throw LimitError(
                limit: "\(limit)", found: "the property '\(name)'",
                expected: "one of " + limitProperties.joined(separator: ", ") + ", or a pattern for names")
        }
    }

    /// Holds the report against limits, in their order.
    ///
    /// - Throws: ``LimitError`` as ``validate(_:)`` and ``measurements(for:)``.
    public func check(_ limits: [Limit]) throws(LimitError) -> [LimitCheck] {
        try limits.map { limit throws(LimitError) in
            try Self.validate(limit)
            return LimitCheck(limit, try measurements(for: limit))
        }
    }
}

extension LimitCheck {
    init(_ limit: Limit, _ measurements: [LimitMeasurement]) {
        let broken = measurements.filter { limit.isBroken(by: $0.value) }
        let worst = broken.first { $0.value.isNaN } ?? Self.extreme(broken.isEmpty ? measurements : broken, limit)
        self.limit = "\(limit)"
        isBroken = measurements.isEmpty || !broken.isEmpty
        subject = worst?.subject
        value = worst.flatMap { $0.value.isNaN ? nil : $0.value }
        bound = limit.bound
        brokenCount = broken.count
        measuredCount = measurements.count
        gap =
            measurements.isEmpty ? "nothing matches '\(limit.scope.map { "\($0)" } ?? "")'" : worst.flatMap(\.gap)
    }

    /// The value that is nearest to breaking the limit, or breaks it most.
    private static func extreme(_ measurements: [LimitMeasurement], _ limit: Limit) -> LimitMeasurement? {
        switch limit.relation {
        case .above, .atLeast: measurements.max { $0.value < $1.value }
        case .below, .atMost: measurements.min { $0.value < $1.value }
        case .equal: measurements.min { abs($0.value - limit.bound) < abs($1.value - limit.bound) }
        case .unequal: measurements.max { abs($0.value - limit.bound) < abs($1.value - limit.bound) }
        }
    }
}
