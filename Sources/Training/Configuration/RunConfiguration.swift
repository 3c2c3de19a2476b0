/// All settings of one run, described by a table of fields.
public protocol RunConfiguration: Hashable, Sendable {
    /// The defaults.
    init()

    /// What a checkpoint of such a run calls itself under `crux.kind`.
    static var checkpointKind: String { get }

    /// Every setting, in the order in which the YAML text lists them; a section's fields stand together.
    static var fields: [ConfigurationField<Self>] { get }

    /// Steps of the whole run.
    var steps: Int { get }
    /// How a step's work is cut.
    var execution: ExecutionConfiguration { get }
    /// How often accuracy is measured.
    var evaluation: EvaluationConfiguration { get }
    /// How often the state is saved.
    var checkpoint: CheckpointConfiguration { get }

    /// Checks what no single field shows, for example that the longest example fits the context.
    ///
    /// - Throws: ``ConfigurationError`` whose source is `source`.
    func validate(source: String) throws(ConfigurationError)
}

/// A setting in which two configurations differ.
public struct ConfigurationDifference: Hashable, Sendable, CustomStringConvertible {
    /// The dotted key.
    public let key: String
    /// The checkpoint's value as YAML.
    public let stored: String
    /// The run's value as YAML.
    public let current: String

    /// For example `model.head_count: 4 in the checkpoint, 8 in this run`.
    public var description: String { "\(key): \(stored) in the checkpoint, \(current) in this run" }
}

extension RunConfiguration {
    /// Checks that what needs a metric has one.
    ///
    /// - Throws: ``ConfigurationError``.
    func validateMetric(source: String) throws(ConfigurationError) {
        guard evaluation.metric == nil else { return }
        let needing =
            evaluation.patience > 0 ? "evaluation.patience" : checkpoint.keepBest ? "checkpoint.keep_best" : nil
        guard let needing else { return }
        throw ConfigurationError(
            source: source, key: "evaluation.metric",
            problem: .invalidValue(found: "none", expected: "the name of a figure, for \(needing) to go by"))
    }

    /// The resolved configuration: every setting with its value, as YAML that loads to an equal value.
    public var yaml: String {
        var text = ""
        var openSection = ""
        for field in Self.fields {
            guard let dot = field.key.firstIndex(of: ".") else {
                text += "\(field.key): \(field.text(self))\n"
                continue
            }
            let section = String(field.key[..<dot])
            if section != openSection { text += "\(section):\n" }
            openSection = section
            text += "  \(field.key[field.key.index(after: dot)...]): \(field.text(self))\n"
        }
        return text
    }

    /// The settings that forbid resuming a run of the stored configuration with this one.
    public func differencesOnResume(from stored: Self) -> [ConfigurationDifference] {
        Self.fields.filter { !$0.mayChangeOnResume && $0.text(stored) != $0.text(self) }.map {
            ConfigurationDifference(key: $0.key, stored: $0.text(stored), current: $0.text(self))
        }
    }
}
