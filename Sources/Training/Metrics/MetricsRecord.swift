/// The figures of one step, in order; one line of the metrics file.
public struct MetricsRecord: Hashable, Sendable {
    /// A figure with its name.
    public struct Figure: Hashable, Sendable {
        /// Lower case with underscores; a KL's name has its direction and estimator.
        public let name: String
        /// The value.
        public let value: Double
    }

    /// The tensor of a checkpoint that holds all records of its run so far, as JSON lines in bytes.
    package static let tensorName = "training.metrics"

    /// The step after which the figures were taken.
    public let step: Int
    /// The figures, in order.
    public private(set) var figures: [Figure] = []

    package init(step: Int) { self.step = step }

    /// Appends a figure; one that is not finite is left out.
    package mutating func add(_ name: String, _ value: Double) {
        if value.isFinite { figures.append(Figure(name: name, value: value)) }
    }

    /// The figure of that name.
    public subscript(name: String) -> Double? { figures.first { $0.name == name }?.value }

    /// Reads what ``json`` writes; nil for any other text.
    package init?(json: Substring) {
        guard json.first == "{", json.last == "}" else { return nil }
        var members = json.dropFirst().dropLast().split(separator: ",").map { $0.split(separator: ":") }
        guard members.allSatisfy({ $0.count == 2 && $0[0].first == "\"" && $0[0].last == "\"" }),
            members.first?[0] == "\"step\"", let step = Int(members.removeFirst()[1])
        else { return nil }
        self.step = step
        for member in members {
            guard let value = Double(member[1]) else { return nil }
            add(String(member[0].dropFirst().dropLast()), value)
        }
    }

    /// One JSON object without a newline; `step` comes first.
    public var json: String {
        let members = figures.map { "\"\($0.name)\":\(Self.text($0.value))" }
        return "{" + (["\"step\":\(step)"] + members).joined(separator: ",") + "}"
    }

    /// Whole numbers without a fraction, others in the shortest form that reads back to the same value.
    private static func text(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }
}
