internal import Synchronization

/// Keeps the failure of the earliest of several tasks.
final class FirstFailure: Sendable {
    private let failure = Mutex<(task: Int, error: CheckpointError)?>(nil)

    var isSet: Bool { failure.withLock { $0 != nil } }

    var value: CheckpointError? { failure.withLock { $0?.error } }

    func set(_ error: CheckpointError, at task: Int) {
        failure.withLock { failure in
            if let earlier = failure, earlier.task < task { return }
            failure = (task, error)
        }
    }
}
