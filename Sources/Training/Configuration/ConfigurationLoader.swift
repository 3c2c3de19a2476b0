package import Yams

/// Reads configurations: defaults, then a YAML file, then `--set key=value`, then validation.
public enum ConfigurationLoader {
    /// Reads a configuration.
    ///
    /// - Parameters:
    ///   - yaml: The file's text; nil for the defaults.
    ///   - fileName: The file's name for messages.
    ///   - overrides: `key=value` with dotted keys; later ones win; values are YAML, so lists are `[1, 2]`.
    /// - Throws: ``ConfigurationError`` naming file and line (or the option), the key, what was found and what
    ///   is expected; for an unknown key the nearest known one.
    public static func load<Configuration: RunConfiguration>(
        _ type: Configuration.Type = Configuration.self,
        yaml: String?, fileName: String = "configuration", overrides: [String] = []
    ) throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        if let yaml { try apply(yaml, fileName: fileName, to: &configuration) }
        for override in overrides { try apply(override: override, to: &configuration) }
        try configuration.validate(source: overrides.isEmpty ? fileName : "\(fileName) with --set")
        return configuration
    }

    private static func apply<Configuration: RunConfiguration>(
        _ yaml: String, fileName: String, to configuration: inout Configuration
    ) throws(ConfigurationError) {
        guard let root = try compose(yaml, source: fileName) else { return }
        guard case .mapping(let mapping) = root else {
            throw ConfigurationError(source: fileName, key: "", problem: .syntax("expected 'key: value' lines"))
        }
        var seen: Set<String> = []
        try apply(mapping, under: "", fileName: fileName, seen: &seen, to: &configuration)
    }

    private static func apply<Configuration: RunConfiguration>(
        _ mapping: Node.Mapping, under section: String, fileName: String, seen: inout Set<String>,
        to configuration: inout Configuration
    ) throws(ConfigurationError) {
        for (name, node) in mapping {
            let key = section + (name.scalar?.string ?? "?")
            let source = "\(fileName):\(name.mark?.line ?? 0)"
            guard seen.insert(key).inserted else {
                throw ConfigurationError(source: source, key: key, problem: .repeatedKey)
            }
            let isSection = Configuration.fields.contains { $0.key.hasPrefix(key + ".") }
            if isSection, case .mapping(let inner) = node {
                try apply(inner, under: key + ".", fileName: fileName, seen: &seen, to: &configuration)
            } else if isSection {
                let found = ConfigurationValue(node).found
                if found == "nothing" { continue }  // a section whose lines are all commented out
                throw ConfigurationError(
                    source: source, key: key, problem: .invalidValue(found: found, expected: "a section"))
            } else {
                try set(key, ConfigurationValue(node), source: source, in: &configuration)
            }
        }
    }

    private static func apply<Configuration: RunConfiguration>(
        override: String, to configuration: inout Configuration
    ) throws(ConfigurationError) {
        let source = "--set \(override)"
        guard let equals = override.firstIndex(of: "=") else {
            throw ConfigurationError(
                source: source, key: override, problem: .invalidValue(found: "no '='", expected: "key=value"))
        }
        let text = String(override[override.index(after: equals)...])
        let node = try compose(text, source: source) ?? Node("")
        try set(String(override[..<equals]), ConfigurationValue(node), source: source, in: &configuration)
    }

    private static func set<Configuration: RunConfiguration>(
        _ key: String, _ value: ConfigurationValue, source: String, in configuration: inout Configuration
    ) throws(ConfigurationError) {
        let fields = Configuration.fields
        guard let field = fields.first(where: { $0.key == key }) else {
            let nearest = nearestKey(to: key, among: fields.map(\.key))
            throw ConfigurationError(source: source, key: key, problem: .unknownKey(nearest: nearest))
        }
        do throws(ConfigurationValue.Mismatch) {
            try field.read(&configuration, value)
        } catch {
            throw ConfigurationError(
                source: source, key: key, problem: .invalidValue(found: error.found, expected: error.expected))
        }
    }

    /// A text's root node; nil where there is nothing.
    package static func compose(_ yaml: String, source: String) throws(ConfigurationError) -> Node? {
        do {
            return try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw ConfigurationError(source: source, key: "", problem: .syntax(firstLine(error)))
        } catch {
            throw ConfigurationError(source: source, key: "", problem: .syntax("\(error)"))
        }
    }

    /// The parser's reason without its drawing of the place.
    private static func firstLine(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line), column \(mark.column): \(problem)"
        case .duplicatedKeysInMapping(let duplicates, let context):
            "line \(context.mark.line): key '\(duplicates.joined(separator: "', '"))' twice"
        default: "\(error)".split(separator: "\n").first.map(String.init) ?? "unreadable"
        }
    }

    /// The known key that takes the fewest single-character edits to reach; sections count as keys too.
    package static func nearestKey(to key: String, among keys: [String]) -> String {
        let sections = keys.compactMap { key in key.firstIndex(of: ".").map { String(key[..<$0]) } }
        return (keys + sections).min { editDistance($0, key) < editDistance($1, key) } ?? ""
    }

    /// Levenshtein's distance.
    private static func editDistance(_ first: String, _ second: String) -> Int {
        let (first, second) = (Array(first.utf8), Array(second.utf8))
        var row = Array(0...second.count)
        for (i, a) in first.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in second.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(diagonal + (a == b ? 0 : 1), above + 1, row[j] + 1)
                diagonal = above
            }
        }
        return row[second.count]
    }
}
