import CheckpointFormat
import Kernels
import LanguageModel
import OrderedCollections
import SystemPackage
import TensorCore

/// Everything of a run that its checkpoint holds besides the model's size and tokenizer.
///
/// Random streams and the data cursor need no place of their own: both are functions of seed and step.
struct TrainingState {
    /// The parameters and moments of one network, and the roles of its tensors.
    struct Network {
        let group: ParameterGroup
        let roles: (parameter: TensorRole, firstMoment: TensorRole, secondMoment: TensorRole)

        /// The language model.
        static func model(_ group: ParameterGroup) -> Self {
            Self(group: group, roles: (.weight, .firstMoment, .secondMoment))
        }

        /// The critic.
        static func critic(_ group: ParameterGroup) -> Self {
            Self(group: group, roles: (.critic, .criticFirstMoment, .criticSecondMoment))
        }

        /// The tensors in the order in which they are written: parameters, first moments, second moments.
        fileprivate var tensors: [(name: String, shape: Shape, role: TensorRole, values: FloatSlice)] {
            let parts = [
                ("", roles.parameter, group.parameters),
                ("optimizer.first_moment.", roles.firstMoment, group.firstMoment),
                ("optimizer.second_moment.", roles.secondMoment, group.secondMoment),
            ]
            return parts.flatMap { prefix, role, arena in
                group.layout.entries.map { (prefix + $0.name, $0.shape, role, arena[$0.range]) }
            }
        }
    }

    /// `pretrained` or `policy`.
    var kind: String
    /// The finished steps.
    var step = 0
    /// The optimiser steps so far.
    var updateCount = 0
    /// The tokens trained on so far.
    var tokensSeen = 0
    /// The resolved configuration as YAML.
    var configuration: String
    /// Digests of the weights that these descend from, by metadata key.
    var lineage: [(key: String, digest: String)] = []
    /// The metrics so far as JSON lines.
    var metrics = ""

    /// The metadata key of ``updateCount``.
    static let updateCountKey = "training.update_count"
    /// The tensor that holds ``metrics``.
    static let metricsTensor = "training.metrics"

    /// Writes the checkpoint, whole or not at all.
    ///
    /// - Throws: ``CheckpointError``.
    func write(to path: FilePath, model: StoredModel, networks: [Network]) throws -> CheckpointSummary {
        let writer = try CheckpointWriter.create(at: path)
        writer.setMetadata(MetadataKey.kind, .string(kind))
        writer.setMetadata(MetadataKey.step, .uint64(UInt64(step)))
        writer.setMetadata(Self.updateCountKey, .uint64(UInt64(updateCount)))
        writer.setMetadata(MetadataKey.tokensSeen, .uint64(UInt64(tokensSeen)))
        for (key, digest) in lineage { writer.setMetadata(key, .string(digest)) }
        model.write(to: writer)
        writer.setMetadata(MetadataKey.configuration, .string(configuration))
        for network in networks {
            for tensor in network.tensors {
                let description = try TensorDescription(
                    name: tensor.name, dtype: .f32, shape: tensor.shape, role: tensor.role)
                try tensor.values.withSpan { try writer.append(description, bytes: unsafe $0.bytes) }
            }
        }
        let text = Array(metrics.utf8)
        let description = try TensorDescription(
            name: Self.metricsTensor, dtype: .u8, shape: [text.count], role: .state)
        try writer.append(description, bytes: unsafe text.span.bytes)
        return try writer.finish()
    }

    /// Reads the state and fills the networks.
    ///
    /// - Throws: ``CheckpointError``, or ``TrainingError`` where the file is no training state of these networks.
    init(readingFrom reader: CheckpointReader, into networks: [Network]) throws {
        kind = try reader.string(MetadataKey.kind)
        step = try reader.integer(MetadataKey.step)
        updateCount = try reader.integer(Self.updateCountKey)
        tokensSeen = try reader.integer(MetadataKey.tokensSeen)
        configuration = try reader.string(MetadataKey.configuration)
        lineage = [MetadataKey.parent, MetadataKey.reference, MetadataKey.pretrained].compactMap { key in
            reader.metadata[key]?.stringValue.map { (key, $0) }
        }
        for network in networks {
            for tensor in network.tensors {
                try reader.fill(tensor.values, from: tensor.name, shape: tensor.shape)
            }
        }
        let text = try reader.readBytes(of: try reader.requiredTensor(named: Self.metricsTensor))
        metrics = String(decoding: text, as: UTF8.self)
    }

    /// A fresh state.
    init(kind: String, configuration: String) {
        self.kind = kind
        self.configuration = configuration
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

    /// Copies a tensor of that shape into a slice of its size.
    ///
    /// - Throws: ``CheckpointError``, or ``TrainingError`` where the shape differs.
    func fill(_ slice: FloatSlice, from name: String, shape: Shape) throws {
        let stored = try requiredTensor(named: name).description
        guard stored.shape == shape else {
            throw TrainingError(
                .unsuitableCheckpoint(
                    path: path.string, field: "tensor '\(name)'", found: "shape \(stored.shape)", expected: "\(shape)"))
        }
        slice.copy(from: FloatArena.holding(try readFloats(named: name)))
    }

    private func unsuitable(_ key: String, expected: String) -> TrainingError {
        TrainingError(
            .unsuitableCheckpoint(
                path: path.string, field: key, found: metadata[key].map { "\($0)" } ?? "nothing", expected: expected))
    }
}
