internal import Yams

/// A file of limits: lists of them under `diff` and `kl`.
///
///     diff:
///       - relativeL2:h.*.mlp*>1e-3
///     kl:
///       - kl.p99>0.5
public struct LimitPolicy: Hashable, Sendable {
    /// Limits on a ``WeightDiff``.
    public let diff: [Limit]
    /// Limits on a ``KLReport``.
    public let kl: [Limit]

    /// Reads a file's text; every limit is validated, whichever report it is for.
    ///
    /// - Throws: ``LimitError`` naming the file and the line, for a key that is not known too.
    public init(yaml: String, fileName: String) throws(LimitError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw LimitError(
                limit: fileName, found: "text that is no YAML (\("\(error)".split(separator: "\n").first ?? ""))",
                expected: Self.expected)
        }
        guard let root, case .mapping(let mapping) = root else {
            throw LimitError(
                limit: fileName, found: root == nil ? "nothing" : "something else", expected: Self.expected)
        }
        var (diff, kl): ([Limit], [Limit]) = ([], [])
        for (key, node) in mapping {
            let place = "\(fileName):\(key.mark?.line ?? 0)"
            switch key.scalar?.string {
            case "diff": diff = try Self.limits(node, on: WeightDiff.self, place: place, fileName: fileName)
            case "kl": kl = try Self.limits(node, on: KLReport.self, place: place, fileName: fileName)
            case let other:
                throw LimitError(limit: place, found: "the key '\(other ?? "?")'", expected: Self.expected)
            }
        }
        (self.diff, self.kl) = (diff, kl)
    }

    private static let expected = "the keys 'diff' and 'kl', each with a list of limits"

    private static func limits<Report: LimitedReport>(
        _ node: Node, on report: Report.Type, place: String, fileName: String
    ) throws(LimitError) -> [Limit] {
        guard case .sequence(let sequence) = node else {
            throw LimitError(
                limit: place, found: "no list", expected: "a list of limits, a line '- FIGURE>NUMBER' each")
        }
        var limits: [Limit] = []
        for entry in sequence {
            let line = "\(fileName):\(entry.mark?.line ?? 0)"
            guard let text = entry.scalar?.string else {
                throw LimitError(limit: line, found: "no text", expected: "a limit, for example relativeL2>1e-3")
            }
            do throws(LimitError) {
                let limit = try Limit(text)
                try Report.validate(limit)
                limits.append(limit)
            } catch {
                throw LimitError(limit: "\(line): \(error.limit)", found: error.found, expected: error.expected)
            }
        }
        return limits
    }
}
