internal import CheckpointFormat
internal import CheckpointInterop
internal import Kernels
internal import LanguageModel
internal import OrderedCollections
internal import SystemPackage
internal import TensorCore
internal import Tasks
internal import Yams

/// The critic that RL trained beside a policy, and what an episode of that run earned.
struct ValueHead: Sendable {
    /// From the policy's last hidden state to V(s).
    let critic: Critic
    /// The critic's parameters in the order of its layout.
    let parameters: FloatSlice
    /// What an answer earned.
    let reward: RewardRule

    /// Reads the critic stored beside a policy; nil where there is none, and where the configuration names a reward that
    /// is not known.
    ///
    /// - Parameter inputSize: C, the width of the policy's hidden states.
    /// - Throws: ``AnalysisError`` for a tensor of another shape or type than the layers before it ask for.
    init?(_ source: any CheckpointSource, inputSize: Int) throws(AnalysisError) {
        guard let reward = Self.reward(configuration: source.metadata[MetadataKey.configuration]?.stringValue) else {
            return nil
        }
        var widths = [inputSize]
        while let layer = source.tensor(named: "critic.\(widths.count - 1).weight"), layer.role == .critic {
            let shape = layer.shape.dimensions
            // Checked before anything is computed from the sizes.
            guard shape.count == 2, shape[0] > 0, shape[1] == widths[widths.count - 1] else {
                throw .unsuitable(
                    subject: "\(source.path.string): tensor '\(layer.name)'", found: "shape \(layer.shape)",
                    expected: "two dimensions, the second \(widths[widths.count - 1])")
            }
            widths.append(shape[0])
        }
        guard widths.count > 1 else { return nil }
        guard widths[widths.count - 1] == 1 else {
            throw .unsuitable(
                subject: "\(source.path.string): tensor 'critic.\(widths.count - 2).weight'",
                found: "\(widths[widths.count - 1]) outputs", expected: "1, the value")
        }
        critic = Critic(inputSize: inputSize, hiddenSizes: Array(widths.dropFirst().dropLast()))
        let entries = critic.layout.entries
        let tensors = try entries.map { entry throws(AnalysisError) in try LoadedModel.tensor(entry, of: source) }
        parameters = FloatArena(count: critic.layout.count).all
        for (entry, tensor) in zip(entries, tensors) {
            try LoadedModel.read(tensor, of: source, into: parameters[entry.range])
        }
        self.reward = reward
    }

    /// The rule of a resolved configuration; that of the paper where it names none.
    private static func reward(configuration: String?) -> RewardRule? {
        guard let configuration, let name = try? Yams.compose(yaml: configuration)?["task"]?["reward"]?.string else {
            return .paper
        }
        return RewardRule(rawValue: name)
    }
}
