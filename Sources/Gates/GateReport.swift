internal import Analysis
internal import Rendering

/// What holding a checkpoint against a policy has shown.
package struct GateReport: Encodable, Sendable {
    /// The version of this structure; a change of meaning or a removed field raises it.
    package static let currentSchemaVersion = 1

    /// ``currentSchemaVersion`` of the writer.
    package let schemaVersion: Int
    /// The checkpoint.
    package let path: String
    /// What it was compared with; nil where nothing was.
    package let reference: String?
    /// Whether every rule passed.
    package let isPassed: Bool
    /// The rules in the policy's order.
    package let rules: [RuleResult]

    init(path: String, reference: String?, rules: [RuleResult]) {
        schemaVersion = Self.currentSchemaVersion
        self.path = path
        self.reference = reference
        self.rules = rules
        isPassed = rules.allSatisfy(\.isPassed)
    }
}

/// How a checkpoint stands to one rule.
package struct RuleResult: Encodable, Hashable, Sendable {
    /// The rule's key in the policy.
    package let rule: String
    /// The policy's line.
    package let line: Int
    /// Whether the checkpoint is as demanded; false too where that could not be judged.
    package let isPassed: Bool
    /// What is demanded.
    package let expected: String
    /// What was found, with its figures.
    package let found: String
    /// The figure that a limit is about; nil for other rules, and where there is none.
    package let value: Double?
    /// What the figure is compared with.
    package let bound: Double?

    init(
        _ rule: GateRule, isPassed: Bool, expected: String, found: String, line: Int? = nil, value: Double? = nil,
        bound: Double? = nil
    ) {
        self.rule = rule.name.rawValue
        self.line = line ?? rule.line
        self.isPassed = isPassed
        self.expected = expected
        self.found = found
        self.value = value
        self.bound = bound
    }

    /// The outcome of a limit.
    init(_ rule: GateRule, _ check: LimitCheck, line: Int? = nil) {
        var found = check.subject.map { "\($0): " } ?? ""
        found += check.value.map { FigureFormat.significant(4).trimmedText($0) } ?? check.gap ?? "no value"
        if check.measuredCount > 1 { found += "; \(check.brokenCount) of \(check.measuredCount) break it" }
        self.init(
            rule, isPassed: !check.isBroken, expected: "not \(check.limit)", found: found, line: line,
            value: check.value, bound: check.bound)
    }
}
