import CheckpointFormat
import Codecs
import OrderedCollections

/// What a run remembers of its saves, so that a resumed one goes on where it was.
struct SaveHistory: Hashable, Sendable {
    /// A save of the run.
    struct Save: Hashable, Sendable {
        /// Its finished steps.
        let step: Int
        /// The digest of its weights, in hexadecimal.
        let weightsDigest: String
    }

    /// The last save, and in a checkpoint the one before it, which ``Replay`` retrains from; nil where there was none.
    var previous: Save?
    /// The saves since the last whole one, with that one; 0 where the next one is to be whole, nil where all are.
    var savesSinceFull: Int?
    /// The copies of saves that are kept beside the checkpoint.
    var kept = KeptCheckpoints()

    /// The metadata keys of ``previous``.
    static let previousStepKey = "training.previous_step"
    static let previousDigestKey = "training.previous_weights_digest"
    /// The metadata key of ``savesSinceFull``.
    private static let savesSinceFullKey = "training.saves_since_full"

    /// No saves.
    init() {}

    /// What the run of a checkpoint remembers after having saved it.
    ///
    /// - Throws: ``TrainingError`` where the metadata are of other types.
    init(after reader: CheckpointReader) throws(TrainingError) {
        previous = Save(step: try reader.integer(MetadataKey.step), weightsDigest: reader.weightsDigest.hex)
        if reader.metadata[Self.savesSinceFullKey] != nil {
            savesSinceFull = try reader.integer(Self.savesSinceFullKey)
        }
        kept = try KeptCheckpoints(of: reader)
    }

    /// Notes all this in a checkpoint.
    func write(to writer: CheckpointWriter) {
        if let previous {
            writer.setMetadata(Self.previousStepKey, .uint64(UInt64(previous.step)))
            writer.setMetadata(Self.previousDigestKey, .string(previous.weightsDigest))
        }
        if let savesSinceFull { writer.setMetadata(Self.savesSinceFullKey, .uint64(UInt64(savesSinceFull))) }
        kept.write(to: writer)
    }
}

extension CheckpointReader {
    /// The save before this one; nil where the checkpoint is a run's first.
    ///
    /// - Throws: ``TrainingError`` where the keys are of other types.
    func previousSave() throws(TrainingError) -> SaveHistory.Save? {
        guard metadata[SaveHistory.previousStepKey] != nil else { return nil }
        return SaveHistory.Save(
            step: try integer(SaveHistory.previousStepKey),
            weightsDigest: try string(SaveHistory.previousDigestKey))
    }
}
