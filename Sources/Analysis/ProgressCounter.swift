internal import Synchronization

/// Work done so far, counted by several workers.
final class ProgressCounter: Sendable {
    private let done = Atomic<Int>(0)

    /// Adds work; returns all that is done.
    func add(_ amount: Int) -> Int { done.add(amount, ordering: .relaxed).newValue }
}
