import CheckpointFormat
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

        /// All tensors beside the model's weights, in the order in which they are written.
        fileprivate var tensors: [(description: TensorDescription, values: FloatSlice)] {
            let (first, second) = ("optimizer.first_moment.", "optimizer.second_moment.")
            func tensors(
                _ group: ParameterGroup, _ role: TensorRole, _ prefix: String, _ arena: FloatSlice
            ) -> [(description: TensorDescription, values: FloatSlice)] {
                zip(group.layout.tensorDescriptions(role: role, prefix: prefix), group.layout.entries).map {
                    ($0, arena[$1.range])
                }
            }
            var all: [(description: TensorDescription, values: FloatSlice)] = []
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
    /// The saves since the last whole one, with that one; 0 where the next one is to be whole, nil where all are.
    var savesSinceFull: Int?
    /// The metrics so far as JSON lines.
    var metrics = ""

    /// The metadata key of ``updateCount``.
    static let updateCountKey = "training.update_count"
    /// The metadata key of ``savesSinceFull``.
    static let savesSinceFullKey = "training.saves_since_full"
    /// The tensor that holds ``metrics``.
    static let metricsTensor = "training.metrics"

    /// A fresh state.
    init(kind: String, configuration: String) {
        self.kind = kind
        self.configuration = configuration
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
        if let savesSinceFull { writer.setMetadata(Self.savesSinceFullKey, .uint64(UInt64(savesSinceFull))) }
        for (key, digest) in lineage { writer.setMetadata(key, .string(digest)) }
        try model.write(to: writer)
        writer.setMetadata(MetadataKey.configuration, .string(configuration))
        for (description, values) in networks.tensors {
            try values.withBytes { bytes throws(CheckpointError) in
                try writer.append(description, bytes: bytes)
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
        networks.model.parameters.copy(from: model.parameters)
        for (description, values) in networks.tensors { try reader.fill(values, from: description) }
        let text = try reader.readBytes(of: try reader.requiredTensor(named: Self.metricsTensor))
        metrics = String(decoding: text, as: UTF8.self)
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
