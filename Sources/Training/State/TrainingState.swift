import CheckpointFormat
import Codecs
import Kernels
import LanguageModel
import OrderedCollections
import SystemPackage
import TensorCore

/// Everything of a run that its checkpoint holds besides model and tokenizer.
///
/// Random streams and the data cursor need no place of their own: both are functions of seed and step.
struct TrainingState: Sendable {
    /// What a run trains.
    struct Networks: Sendable {
        /// The language model's parameters and moments.
        let model: ParameterGroup
        /// The critic's, where there is one.
        let critic: ParameterGroup?

        /// The first tensor, of parameters and moments, that holds an infinity or a NaN, in words; nil where all are
        /// numbers.
        var firstNotFinite: String? {
            for group in [model, critic].compactMap({ $0 }) {
                if let name = group.firstNotFinite(in: group.parameters) { return "the parameter '\(name)'" }
                if let name = group.firstNotFinite(in: group.firstMoment) { return "the first moment of '\(name)'" }
                if let name = group.firstNotFinite(in: group.secondMoment) { return "the second moment of '\(name)'" }
            }
            return nil
        }

        /// All tensors beside the model's weights, in the order in which they are written.
        fileprivate var tensors: [SavedTensor] {
            let (first, second) = ("optimizer.first_moment.", "optimizer.second_moment.")
            func tensors(
                _ group: ParameterGroup, _ role: TensorRole, _ prefix: String, _ arena: FloatSlice
            ) -> [SavedTensor] {
                zip(group.layout.tensorDescriptions(role: role, prefix: prefix), group.layout.entries).map {
                    SavedTensor(description: $0, values: arena[$1.range])
                }
            }
            var all: [SavedTensor] = []
            if let critic { all += tensors(critic, .critic, "", critic.parameters) }
            all += tensors(model, .firstMoment, first, model.firstMoment)
            all += tensors(model, .secondMoment, second, model.secondMoment)
            if let critic {
                all += tensors(critic, .criticFirstMoment, first, critic.firstMoment)
                all += tensors(critic, .criticSecondMoment, second, critic.secondMoment)
            }
            return all
        }
    }

    /// `pretrained` or `policy`.
    let kind: String
    /// How the model's weights are stored.
    let weights: WeightStorage
    /// The finished steps.
    var step = 0
    /// The optimiser steps so far.
    var updateCount = 0
    /// The tokens trained on so far.
    var tokensSeen = 0
    /// The resolved configuration as YAML.
    let configuration: String
    /// Digests of the weights that these descend from, by metadata key.
    var lineage: [(key: String, digest: String)] = []
    /// The saves before this one, as ``StateFile`` knows them.
    var history = SaveHistory()
    /// The metrics so far as JSON lines.
    var metrics = ""

    /// The metadata key of ``updateCount``.
    static let updateCountKey = "training.update_count"
    /// What the names of F32 weights start with where the weights themselves are rounded.
    static let masterPrefix = "optimizer.master."
    /// The tensor that holds ``metrics``.
    static let metricsTensor = MetricsRecord.tensorName

    /// A fresh state.
    init<Configuration: RunConfiguration>(of configuration: Configuration) {
        kind = Configuration.checkpointKind
        self.configuration = configuration.yaml
        weights = configuration.checkpoint.weights
    }

    /// All tensors of the checkpoint but ``metricsTensor``, in its order.
    func tensors(of model: LanguageModelCheckpoint, _ networks: Networks) -> [SavedTensor] {
        let layout = model.model.layout
        func all(_ dtype: DType, _ role: TensorRole, _ prefix: String = "") -> [SavedTensor] {
            zip(layout.tensorDescriptions(dtype: dtype, role: role, prefix: prefix), layout.entries).map {
                SavedTensor(description: $0, values: model.parameters[$1.range])
            }
        }
        switch weights {
        case .f32: return all(.f32, .weight) + networks.tensors
        case .bf16: return all(.bf16, .weight) + networks.tensors + all(.f32, .state, Self.masterPrefix)
        case .bf16Only: return all(.bf16, .weight) + networks.tensors
        }
    }

    /// Writes the checkpoint, whole or not at all.
    ///
    /// - Parameters:
    ///   - model: With the parameters of `networks`.
    ///   - options: How it is encoded.
    ///   - base: What it is stored against.
    ///   - operations: The system calls.
    /// - Throws: ``CheckpointError``.
    func write(
        to path: FilePath, model: LanguageModelCheckpoint, networks: Networks,
        options: WriterOptions = WriterOptions(), base: (any DeltaBase)? = nil, operations: FileOperations
    ) throws(CheckpointError) -> CheckpointSummary {
        let writer = try CheckpointWriter.create(at: path, options: options, base: base, operations: operations)
        writer.setMetadata(MetadataKey.kind, .string(kind))
        writer.setMetadata(MetadataKey.step, .uint64(UInt64(step)))
        writer.setMetadata(Self.updateCountKey, .uint64(UInt64(updateCount)))
        writer.setMetadata(MetadataKey.tokensSeen, .uint64(UInt64(tokensSeen)))
        for (key, digest) in lineage { writer.setMetadata(key, .string(digest)) }
        history.write(to: writer)
        model.writeMetadata(to: writer)
        writer.setMetadata(MetadataKey.configuration, .string(configuration))
        for tensor in tensors(of: model, networks) {
            try tensor.withBytes { bytes throws(CheckpointError) in
                try writer.append(tensor.description, bytes: bytes)
            }
        }
        let text = Array(metrics.utf8)
        if let description = try? TensorDescription(
            name: Self.metricsTensor, dtype: .u8, shape: [text.count], role: .state)
        {
            try writer.append(description, bytes: unsafe text.span.bytes)
        }
        return try writer.finish()
    }

    /// Takes over the saved run: fills the networks and continues from its step.
    ///
    /// - Parameters:
    ///   - model: What the reader holds, of the size of `networks`.
    ///   - networks: Their parameters and moments are overwritten.
    /// - Throws: ``CheckpointError``, or ``TrainingError`` where the file is no training state of these networks.
    mutating func resume(from reader: CheckpointReader, model: LanguageModelCheckpoint, networks: Networks) throws {
        step = try reader.integer(MetadataKey.step)
        updateCount = try reader.integer(Self.updateCountKey)
        tokensSeen = try reader.integer(MetadataKey.tokensSeen)
        lineage = [MetadataKey.parent, MetadataKey.reference, MetadataKey.pretrained].compactMap { key in
            reader.metadata[key]?.stringValue.map { (key, $0) }
        }
        try resumeWeights(from: reader, model: model, networks: networks)
        for tensor in networks.tensors { try reader.fill(tensor.values, from: tensor.description) }
        metrics = try reader.metricsText()
    }
}

extension TrainingState {
    /// Takes over the weights that training had: the masters where the weights are rounded.
    private func resumeWeights(from reader: CheckpointReader, model: LanguageModelCheckpoint, networks: Networks) throws
    {
        let layout = model.model.layout
        let rounded = layout.entries.first { reader.tensor(named: $0.name)?.description.dtype != .f32 }
        guard let rounded else {
            networks.model.parameters.copy(from: model.parameters)
            return
        }
        guard reader.tensor(named: Self.masterPrefix + rounded.name) != nil else {
            throw TrainingError(
                .unsuitableCheckpoint(
                    path: reader.path.string, field: "tensor '\(rounded.name)'",
                    found: "rounded weights without '\(Self.masterPrefix)\(rounded.name)'",
                    expected: "F32 weights or masters, for a resume to be exact; "
                        + "the checkpoint can be a reference of a new run"))
        }
        for (description, entry) in zip(
            layout.tensorDescriptions(role: .state, prefix: Self.masterPrefix), layout.entries)
        {
            try reader.fill(networks.model.parameters[entry.range], from: description)
        }
    }
}

extension CheckpointReader {
    /// A metadata string.
    ///
    /// - Throws: ``TrainingError`` where the key is missing or of another type.
    func string(_ key: String) throws(TrainingError) -> String {
        guard let value = metadata[key]?.stringValue else { throw unsuitable(key, expected: "a string") }
        return value
    }

    /// A metadata integer that is not negative.
    ///
    /// - Throws: ``TrainingError`` where the key is missing or of another type.
    func integer(_ key: String) throws(TrainingError) -> Int {
        guard let value = metadata[key]?.intValue, value >= 0 else {
            throw unsuitable(key, expected: "a number from 0")
        }
        return value
    }

    /// The JSON lines of a run's figures.
    ///
    /// - Throws: ``CheckpointError``.
    func metricsText() throws(CheckpointError) -> String {
        let text = try readBytes(of: try requiredTensor(named: TrainingState.metricsTensor))
        return String(decoding: text, as: UTF8.self)
    }

    /// Copies a tensor of that description into a slice of its size.
    ///
    /// - Throws: ``CheckpointError``, or ``TrainingError`` where the tensor is another one.
    fileprivate func fill(_ slice: FloatSlice, from description: TensorDescription) throws {
        let stored = try requiredTensor(named: description.name).description
        guard stored == description else {
            throw TrainingError(
                .unsuitableCheckpoint(
                    path: path.string, field: "tensor '\(description.name)'",
                    found: "\(stored.dtype.rawValue) \(stored.shape), role \(stored.role.name)",
                    expected: "\(description.dtype.rawValue) \(description.shape), role \(description.role.name)"))
        }
        slice.copy(from: try readFloats(named: description.name))
    }

    private func unsuitable(_ key: String, expected: String) -> TrainingError {
        TrainingError(
            .unsuitableCheckpoint(
                path: path.string, field: key, found: metadata[key].map { "\($0)" } ?? "nothing", expected: expected))
    }
}
