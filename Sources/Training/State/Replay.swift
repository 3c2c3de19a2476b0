import CheckpointFormat
import Codecs
import Kernels
import LanguageModel
import OrderedCollections
public import SystemPackage
import TensorCore

/// Proves a checkpoint by training its last steps again and comparing every bit.
///
/// The settings are those that the checkpoint stores. A machine whose processor rounds otherwise can get other bits from
/// an honest checkpoint; the number of workers cannot.
public struct Replay: Sendable {
    /// Where the steps that are trained again begin.
    public enum Start: Hashable, Sendable {
        /// At the save before the checkpoint, which is looked for beside it; a run's first save begins at the start.
        case previousSave
        /// At a checkpoint of the same run.
        case checkpoint(FilePath)
        /// At the run's start: the seed's fresh weights, or the reference's.
        case runStart
    }

    /// What retraining has shown.
    public struct Result: Hashable, Sendable, Encodable {
        /// The first tensor that is another one.
        public struct Difference: Hashable, Sendable, Encodable {
            /// A tensor's name, or a metadata key.
            public let name: String
            /// The first element that differs; nil for metadata.
            public let element: Int?
            /// What the checkpoint holds.
            public let stored: String
            /// What retraining gave.
            public let retrained: String
        }

        /// The step from which it was trained again.
        public let firstStep: Int
        /// The checkpoint's step.
        public let lastStep: Int
        /// The checkpoint at which it began; nil for the run's start.
        public let previous: String?
        /// The tensors compared.
        public let tensorCount: Int
        /// The names of all tensors and keys that differ, in the order of the file.
        public let differing: [String]
        /// The first of them; nil where every bit is the same.
        public let firstDifference: Difference?

        /// Whether every bit is the same.
        public var isSame: Bool { firstDifference == nil }
    }

    private let path: FilePath
    private let start: Start
    private let reference: FilePath?
    private let workerCount: Int?

    /// Plans a replay.
    ///
    /// - Parameters:
    ///   - path: The checkpoint.
    ///   - start: Where the steps begin.
    ///   - reference: A policy's reference; nil to look for it beside the checkpoint.
    ///   - workerCount: Threads; nil for one per core.
    public init(of path: FilePath, from start: Start, reference: FilePath?, workerCount: Int?) {
        self.path = path
        self.start = start
        self.reference = reference
        self.workerCount = workerCount
    }

    /// Trains the steps and compares.
    ///
    /// - Parameter progress: Told the steps done and all of them.
    /// - Throws: ``TrainingError`` where the checkpoint is no training state, or what it needs is not found or is of
    ///   another run; `CheckpointError`, ``ConfigurationError``, `ModelError`.
    public func run(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws -> Result {
        let reader = try CheckpointReader(path: path)
        let kind = try reader.string(MetadataKey.kind)
        switch kind {
        case PretrainingConfiguration.checkpointKind:
            let begin = try beginning(of: reader)
            let configuration: PretrainingConfiguration = try stored(reader)
            return try retrain(
                PretrainingSession(configuration, resuming: begin), from: begin, to: reader, progress: progress)
        case FineTuningConfiguration.checkpointKind:
            let begin = try beginning(of: reader)
            let configuration: FineTuningConfiguration = try stored(reader)
            let model = try ReferenceModel(try referencePath(reader))
            let expected = try reader.string(MetadataKey.reference)
            guard model.digest == expected else {
                throw unsuitable(
                    model.path, MetadataKey.reference, found: "weights \(model.digest)", expected: expected)
            }
            return try retrain(
                FineTuningSession(configuration, reference: model, resuming: begin), from: begin, to: reader,
                progress: progress)
        default:
            throw unsuitable(
                path, MetadataKey.kind, found: kind,
                expected: "\(PretrainingConfiguration.checkpointKind) or \(FineTuningConfiguration.checkpointKind)")
        }
    }

    private func stored<Configuration: RunConfiguration>(_ reader: CheckpointReader) throws -> Configuration {
        try ConfigurationLoader.load(
            yaml: try reader.string(MetadataKey.configuration),
            fileName: "\(path.string): \(MetadataKey.configuration)", overrides: ["workers=\(workerCount ?? 0)"])
    }

    private func retrain(
        _ session: some TrainingSession, from begin: CheckpointReader?, to reader: CheckpointReader,
        progress: (Int, Int) -> Void
    ) throws -> Result {
        let (first, last) = (session.state.step, try reader.integer(MetadataKey.step))
        guard first <= last, begin == nil || first < last else {
            throw unsuitable(
                begin?.path ?? path, MetadataKey.step, found: "\(first)",
                expected: "a step before that of \(path.string), \(last)")
        }
        progress(0, last - first)
        while session.state.step < last {
            _ = try session.take(session.state.step + 1)
            progress(session.state.step - first, last - first)
        }
        return try compare(session, with: reader, from: begin, firstStep: first)
    }

    // Comparing.

    private func compare(
        _ session: some TrainingSession, with reader: CheckpointReader, from begin: CheckpointReader?, firstStep: Int
    ) throws -> Result {
        var differences: [Result.Difference] = []
        let counts = [
            (TrainingState.updateCountKey, session.state.updateCount),
            (MetadataKey.tokensSeen, session.state.tokensSeen),
        ]
        for (key, count) in counts where try reader.integer(key) != count {
            differences.append(
                .init(name: key, element: nil, stored: "\(try reader.integer(key))", retrained: "\(count)"))
        }
        let tensors = session.state.tensors(of: session.model, session.networks)
        for tensor in tensors {
            let description = tensor.description
            let stored = try reader.requiredTensor(named: description.name)
            guard stored.description == description else {
                throw unsuitable(
                    path, "tensor '\(description.name)'",
                    found: "\(stored.description.dtype.rawValue) \(stored.description.shape)",
                    expected: "\(description.dtype.rawValue) \(description.shape)")
            }
            let digest = tensor.withBytes { bytes in
                ContentDigest.tensor(dtype: description.dtype, shape: description.shape, bytes: bytes)
            }
            if digest == stored.digest { continue }
            differences.append(try difference(reader, tensor))
        }
        return Result(
            firstStep: firstStep, lastStep: session.state.step, previous: begin?.path.string,
            tensorCount: tensors.count, differing: differences.map(\.name), firstDifference: differences.first)
    }

    /// Where the first element differs.
    private func difference(
        _ reader: CheckpointReader, _ tensor: SavedTensor
    ) throws -> Result.Difference {
        let name = tensor.description.name
        let stored = try reader.readFloats(named: name)
        let element = stored.indices.first { stored[$0].bitPattern != tensor.stored($0).bitPattern } ?? 0
        return Result.Difference(
            name: name, element: element, stored: "\(stored[element])", retrained: "\(tensor.stored(element))")
    }

    // Finding what it begins with.

    /// The checkpoint to begin with; nil for the run's start.
    private func beginning(of reader: CheckpointReader) throws -> CheckpointReader? {
        let recorded = try reader.previousSave()
        switch start {
        case .runStart: return nil
        case .previousSave:
            guard let recorded else { return nil }
            let found = try neighbour { other in
                try other.string(MetadataKey.kind) == reader.string(MetadataKey.kind)
                    && other.integer(MetadataKey.step) == recorded.step
                    && other.weightsDigest.hex == recorded.weightsDigest
            }
            guard let found else {
                throw unsuitable(
                    path, SaveHistory.previousDigestKey,
                    found: "no checkpoint of step \(recorded.step) with weights \(recorded.weightsDigest) beside it",
                    expected: "one, or --from with its path, or --from-start; checkpoint.keep_last keeps them")
            }
            return found
        case .checkpoint(let path):
            let found = try CheckpointReader(path: path)
            if let recorded, try found.integer(MetadataKey.step) == recorded.step,
                found.weightsDigest.hex != recorded.weightsDigest
            {
                throw unsuitable(
                    path, "weights", found: found.weightsDigest.hex,
                    expected: "\(recorded.weightsDigest), which \(self.path.string) names for step \(recorded.step)")
            }
            return found
        }
    }

    private func referencePath(_ reader: CheckpointReader) throws -> FilePath {
        if let reference { return reference }
        let digest = try reader.string(MetadataKey.reference)
        if let found = try neighbour({ $0.weightsDigest.hex == digest }) { return found.path }
        throw unsuitable(
            path, MetadataKey.reference, found: "no checkpoint with weights \(digest) beside it",
            expected: "one, or --reference with its path")
    }

    /// The first crux file in the checkpoint's folder that fits; files that cannot be read are passed over.
    private func neighbour(_ fits: (CheckpointReader) throws -> Bool) throws -> CheckpointReader? {
        for path in try path.filesBeside() where path.extension == "crux" {
            if let other = try? CheckpointReader(path: path), (try? fits(other)) == true { return other }
        }
        return nil
    }

    private func unsuitable(
        _ path: FilePath, _ field: String, found: String, expected: String
    ) -> TrainingError {
        TrainingError(.unsuitableCheckpoint(path: path.string, field: field, found: found, expected: expected))
    }
}
