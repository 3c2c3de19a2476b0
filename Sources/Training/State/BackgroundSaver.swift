import CheckpointFormat
import Dispatch
import LanguageModel
import Synchronization
import SystemPackage

/// Saves a run's state beside its steps.
///
/// A save copies what the checkpoint will hold, its snapshot, and lets a thread of its own encode and write the copy;
/// the run waits for the copy alone. One save is under way at a time: the next one waits until it is done, so that
/// checkpoints follow each other in the order of their steps and none is left out. An error of a save ends the run at
/// its next step.
final class BackgroundSaver {
    private let file: StateFile
    private let model: LanguageModelCheckpoint
    private let networks: TrainingState.Networks
    /// Where parameters and moments are copied to; the same memory for every save. Nil where nothing is trained while
    /// a save is under way.
    private let snapshot: (model: LanguageModelCheckpoint, networks: TrainingState.Networks)?
    private let operations: FileOperations
    private let queue = DispatchQueue(label: "crux.save", qos: .utility)
    private let underWay = DispatchGroup()
    private let outcome = Outcome()
    /// The pause of the last save, until it is put into a step's figures.
    private var unreportedPause: Duration?

    /// What the last save has come to; nil before the first.
    private final class Outcome: Sendable {
        private let result = Mutex<Result<CheckpointSummary, any Error>?>(nil)

        func set(_ value: Result<CheckpointSummary, any Error>) { result.withLock { $0 = value } }

        func get() throws -> CheckpointSummary? { try result.withLock { $0 }?.get() }
    }

    /// A saver of one run.
    ///
    /// - Parameters:
    ///   - file: Where saves go.
    ///   - model: With the parameters of `networks`.
    ///   - isBesideTraining: Whether steps are taken while a save is under way, which needs memory for the snapshot.
    ///   - operations: The system calls of the saves.
    init(
        file: StateFile, model: LanguageModelCheckpoint, networks: TrainingState.Networks, isBesideTraining: Bool,
        operations: FileOperations
    ) throws(ModelError) {
        self.file = file
        self.model = model
        self.networks = networks
        self.operations = operations
        if isBesideTraining {
            let copy = TrainingState.Networks(
                model: networks.model.withoutGradients(), critic: networks.critic?.withoutGradients())
            let copiedModel = try LanguageModelCheckpoint(
                model: model.model, tokenizer: model.tokenizer, parameters: copy.model.parameters)
            snapshot = (copiedModel, copy)
        } else {
            snapshot = nil
        }
    }

    deinit { underWay.wait() }

    /// Takes a snapshot and begins to write it, after the save before it is done.
    ///
    /// - Parameter isBest: Whether it is the best so far.
    /// - Throws: ``CheckpointError`` or ``TrainingError`` of that save; of this one where it is not beside training.
    func save(_ state: TrainingState, isBest: Bool) throws {
        let start = ContinuousClock.now
        _ = try finish()
        guard let snapshot else {
            let summary = try file.write(
                state, model: model, networks: networks, isBest: isBest, operations: operations)
            outcome.set(.success(summary))
            return
        }
        snapshot.networks.model.copyState(of: networks.model)
        if let critic = networks.critic { snapshot.networks.critic?.copyState(of: critic) }
        underWay.enter()
        queue.async { [file, operations, underWay, outcome] in
            defer { underWay.leave() }
            outcome.set(
                Result {
                    // One thread: the others are the training's.
                    try file.write(
                        state, model: snapshot.model, networks: snapshot.networks, isBest: isBest,
                        options: WriterOptions(workerCount: 1), operations: operations)
                })
        }
        unreportedPause = ContinuousClock.now - start
    }

    /// Ends a run whose last save has failed, without waiting for one that is under way.
    ///
    /// - Throws: ``CheckpointError`` or ``TrainingError`` of the save.
    func check() throws { _ = try outcome.get() }

    /// Adds `save_pause_seconds`: how long the save before this step has held the run up.
    func addPause(to record: inout MetricsRecord) {
        guard let pause = unreportedPause else { return }
        record.add("save_pause_seconds", pause.seconds)
        unreportedPause = nil
    }

    /// Waits for the save that is under way.
    ///
    /// - Returns: What the last save has written; nil before the first.
    /// - Throws: ``CheckpointError`` or ``TrainingError`` of that save.
    func finish() throws -> CheckpointSummary? {
        underWay.wait()
        return try outcome.get()
    }
}
