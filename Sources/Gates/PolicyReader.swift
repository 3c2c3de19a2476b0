internal import Analysis
internal import Training
internal import Yams

/// Reads values of a policy file; every error names the file's line.
struct PolicyReader {
    /// The file's name for messages.
    let fileName: String

    /// Where a node stands.
    func place(_ node: Node) -> String { "\(fileName):\(node.mark?.line ?? 0)" }

    /// The error of a value that does not fit.
    func mismatch(_ node: Node, _ key: String, expected: String) -> ConfigurationError {
        let found =
            switch node {
            case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "'\(scalar.string)'"
            case .sequence: "a list"
            case .mapping, .alias: "a section"
            }
        return ConfigurationError(
            source: place(node), key: key, problem: .invalidValue(found: found, expected: expected))
    }

    /// A text.
    func text(_ node: Node, _ key: String) throws(ConfigurationError) -> String {
        guard let text = node.scalar?.string, !text.isEmpty else { throw mismatch(node, key, expected: "a text") }
        return text
    }

    /// A digest in hexadecimal.
    func digest(_ node: Node, _ key: String, digitCount: Int) throws(ConfigurationError) -> String {
        let text = node.scalar?.string.lowercased() ?? ""
        guard text.utf8.count == digitCount, text.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw mismatch(node, key, expected: "\(digitCount) hexadecimal digits")
        }
        return text
    }

    /// A whole number in a range.
    func integer(_ node: Node, _ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        guard let value = node.scalar.flatMap({ Int($0.string) }), range.contains(value) else {
            throw mismatch(node, key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A number in a range.
    func number(_ node: Node, _ key: String, in range: ClosedRange<Double>) throws(ConfigurationError) -> Double {
        guard let value = node.scalar.flatMap({ Double($0.string) }), range.contains(value) else {
            throw mismatch(node, key, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A switch that can only be in one position.
    func only(_ word: String, _ node: Node, _ key: String, meaning: String) throws(ConfigurationError) {
        guard node.scalar?.string == word else { throw mismatch(node, key, expected: "\(word): \(meaning)") }
    }

    /// One of several words.
    func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ node: Node, _ key: String, of type: Choice.Type = Choice.self
    ) throws(ConfigurationError) -> Choice {
        guard let choice = node.scalar.flatMap({ Choice(rawValue: $0.string) }) else {
            throw mismatch(
                node, key, expected: "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    /// The entries of a list; a single value stands for a list of one.
    func list(_ node: Node, _ key: String) throws(ConfigurationError) -> [Node] {
        switch node {
        case .sequence(let sequence) where !sequence.isEmpty: return Array(sequence)
        case .scalar(let scalar) where !scalar.string.isEmpty: return [node]
        default: throw mismatch(node, key, expected: "a value or a list of them")
        }
    }

    /// The lines of a section in their order; at least one.
    func lines(_ node: Node, _ key: String, expected: String) throws(ConfigurationError) -> [(key: Node, value: Node)] {
        guard case .mapping(let mapping) = node, !mapping.isEmpty else { throw mismatch(node, key, expected: expected) }
        return mapping.map { (key: $0.key, value: $0.value) }
    }

    /// A section's values by key; none but the known ones. It may be empty: `{}`.
    func section(_ node: Node, _ key: String, known: [String]) throws(ConfigurationError) -> [String: Node] {
        if node.mapping?.isEmpty == true { return [:] }
        var entries: [String: Node] = [:]
        let expected = "a section with " + known.joined(separator: ", ")
        for (name, value) in try lines(node, key, expected: expected) {
            entries[try self.name(name, under: key + ".", among: known)] = value
        }
        return entries
    }

    /// A key that must be one of the known ones.
    func name(_ node: Node, under section: String, among known: [String]) throws(ConfigurationError) -> String {
        let text = node.scalar?.string ?? "?"
        guard known.contains(text) else {
            throw ConfigurationError(
                source: place(node), key: section + text,
                problem: .unknownKey(nearest: section + ConfigurationLoader.nearestKey(to: text, among: known)))
        }
        return text
    }

    /// A limit on the figures of a report.
    func limit<Report: LimitedReport>(
        _ node: Node, _ key: String, on report: Report.Type
    ) throws(ConfigurationError) -> Limit {
        let text = try text(node, key)
        do throws(LimitError) {
            let limit = try Limit(text)
            try Report.validate(limit)
            return limit
        } catch {
            throw ConfigurationError(
                source: place(node), key: "\(key): \(error.limit)",
                problem: .invalidValue(found: error.found, expected: error.expected))
        }
    }
}
