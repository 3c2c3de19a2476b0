import Synchronization

/// Asks a run to save its state and return: set from a signal handler's thread, read at each step.
public final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)

    /// Not set.
    public init() {}

    /// Asks the run to stop after its current step.
    public func set() { flag.store(true, ordering: .sequentiallyConsistent) }

    /// Whether the run was asked to stop.
    public var isSet: Bool { flag.load(ordering: .sequentiallyConsistent) }
}
