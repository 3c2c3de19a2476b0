internal import CheckpointInterop
internal import CheckpointFormat
internal import OrderedCollections

/// The differences between the metadata of two checkpoints.
struct MetadataComparison {
    /// The entries that differ, in the base's order, then those of the policy alone.
    let entries: [MetadataChange]
    /// The lines of the configuration that differ, in the order in which a reader meets them.
    let configuration: [ConfigurationChange]

    /// Whether nothing differs.
    var isEmpty: Bool { entries.isEmpty && configuration.isEmpty }

    init(base: Metadata, policy: Metadata) {
        let keys = OrderedSet(Array(base.keys) + Array(policy.keys))
        var entries: [MetadataChange] = []
        var configuration: [ConfigurationChange] = []
        for key in keys where base[key] != policy[key] {
            if key == MetadataKey.configuration, let from = base[key]?.stringValue, let to = policy[key]?.stringValue {
                configuration = Self.changes(from: from, to: to)
            } else {
                entries.append(
                    MetadataChange(
                        key: key, base: base[key].map { MetadataText.text(of: $0) },
                        policy: policy[key].map { MetadataText.text(of: $0) }))
            }
        }
        self.entries = entries
        self.configuration = configuration
    }

    private static func changes(from base: String, to policy: String) -> [ConfigurationChange] {
        func lines(_ text: String) -> [Substring] {
            text.split(separator: "\n", omittingEmptySubsequences: false)
        }
        return lines(policy).difference(from: lines(base)).map { change in
            switch change {
            case .remove(let offset, let text, _):
                ConfigurationChange(side: .base, line: offset + 1, text: String(text))
            case .insert(let offset, let text, _):
                ConfigurationChange(side: .policy, line: offset + 1, text: String(text))
            }
        }.sorted { ($0.line, $0.side == .base ? 0 : 1) < ($1.line, $1.side == .base ? 0 : 1) }
    }
}
