extension Limit {
    /// What a figure is about.
    public enum Scope: Hashable, Sendable, CustomStringConvertible {
        /// Each thing whose name matches: `h.*.mlp*`; `*` stands for any text, `?` for any character.
        case matching(GlobPattern)
        /// The one with this property: `layer=3`, `kind=mlp`, `role=critic`, `class=digit`.
        case property(name: String, value: String)

        /// Reads what stands after a limit's colon.
        init(_ text: String, limit: String) throws(LimitError) {
            guard !text.isEmpty else {
                throw LimitError(limit: limit, found: "nothing after ':'", expected: "a pattern, for example h.*.mlp*")
            }
            if let equals = text.firstIndex(of: "="), text[..<equals].allSatisfy(\.isLetter) {
                self = .property(
                    name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
            } else {
                self = .matching(GlobPattern(text))
            }
        }

        /// As it stands after the colon.
        public var description: String {
            switch self {
            case .matching(let pattern): pattern.text
            case .property(let name, let value): "\(name)=\(value)"
            }
        }
    }
}

/// A pattern for names: `*` stands for any text, dots included, `?` for any one character, all else for itself.
public struct GlobPattern: Hashable, Sendable {
    /// The pattern's text.
    public let text: String

    /// Takes a pattern.
    public init(_ text: String) { self.text = text }

    /// Whether a whole name matches; the time is at most the product of both lengths.
    public func matches(_ name: String) -> Bool {
        let (pattern, name) = (Array(text), Array(name))
        var (p, n) = (0, 0)
        // Where to go on from after the last star, which takes one character more each time.
        var retry: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == "*" {
                retry = (p + 1, n)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == name[n] {
                p += 1
                n += 1
            } else if let last = retry {
                retry = (last.pattern, last.name + 1)
                (p, n) = (last.pattern, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
