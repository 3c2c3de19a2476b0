internal import CheckpointFormat
internal import CheckpointInterop
internal import OrderedCollections
internal import TensorCore

/// One part of a training's state, in both checkpoints: how far each had come, and whether they would go on alike.
///
/// Crux's random streams are functions of the seed and the step, and so is the order of the data: seed, step and tokens
/// seen are all there is to compare of them.
public struct TrainingStateChange: Codable, Hashable, Sendable {
    /// The part: `step`, `tokens seen`, `seed`, `first moment`, ….
    public let name: String
    /// In the base; nil where it has none.
    public let base: String?
    /// In the policy; nil where it has none.
    public let policy: String?
    /// Whether both have it, the same, bit for bit.
    public let isSame: Bool

    /// The parts that at least one side has.
    static func changes(
        _ pair: CheckpointPair, comparisons: [TensorComparison]
    ) -> [TrainingStateChange] {
        func values(_ name: String, _ value: (Metadata) -> String?) -> TrainingStateChange? {
            let (from, to) = (value(pair.base.metadata), value(pair.policy.metadata))
            guard from != nil || to != nil else { return nil }
            return TrainingStateChange(name: name, base: from, policy: to, isSame: from == to)
        }
        func number(_ key: String) -> (Metadata) -> String? { { $0[key]?.intValue.map { "\($0)" } } }
        let scalars = [
            values("step", number(MetadataKey.step)), values("tokens seen", number(MetadataKey.tokensSeen)),
            values("seed", { Self.seed(inConfiguration: $0[MetadataKey.configuration]?.stringValue) }),
        ].compactMap(\.self)
        let roles = TensorRole.allCases.filter { $0 != .weight }
        return scalars
            + roles.compactMap { role in
                let counts = (
                    pair.base.tensors.count { $0.role == role }, pair.policy.tensors.count { $0.role == role }
                )
                guard counts.0 + counts.1 > 0 else { return nil }
                let compared = comparisons.filter { $0.policy.role == role }
                func text(_ count: Int) -> String? { count == 0 ? nil : count == 1 ? "1 tensor" : "\(count) tensors" }
                return TrainingStateChange(
                    name: role.name, base: text(counts.0), policy: text(counts.1),
                    isSame: counts.0 == counts.1 && compared.count == counts.0 && compared.allSatisfy(\.isIdentical))
            }
    }

    /// The line `seed: …` of a resolved configuration.
    private static func seed(inConfiguration yaml: String?) -> String? {
        yaml?.split(separator: "\n").lazy.compactMap { line in
            line.hasPrefix("seed: ") ? String(line.dropFirst("seed: ".count)) : nil
        }.first
    }
}
