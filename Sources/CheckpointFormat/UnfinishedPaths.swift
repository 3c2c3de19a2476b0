internal import Synchronization
package import SystemPackage

/// What this process has created and not yet given its name, so that a program that is told to end can take it away.
///
/// A killed process cannot; what it leaves is removed by the next save to the same target.
package enum UnfinishedPaths {
    private static let removals = Mutex<[FilePath: @Sendable () -> Void]>([:])

    /// Creates something at a path and remembers it until ``forget(_:)``.
    ///
    /// - Parameters:
    ///   - remove: Takes away what is at the path; a file by default.
    ///   - body: Creates it. Nothing is remembered where it throws.
    package static func creating<Value: Sendable, Failure: Error>(
        _ path: FilePath, remove: (@Sendable () -> Void)? = nil, _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        // Under the lock, so that nothing comes into being after the removal of everything.
        try removals.withLock { removals throws(Failure) in
            let value = try body()
            removals[path] = remove ?? { try? Platform.remove(path) }
            return value
        }
    }

    /// Gives what is at a path its name, or takes it away, and leaves the path alone from then on.
    ///
    /// - Parameter body: Does it. The path is remembered still where it throws.
    package static func settling<Failure: Error>(
        _ path: FilePath, _ body: () throws(Failure) -> Void
    ) throws(Failure) {
        // Under the lock as well: a removal of everything must not meet names that change below it.
        try removals.withLock { removals throws(Failure) in
            try body()
            removals[path] = nil
        }
    }

    /// Leaves what is at a path alone: it has its name now, or is gone.
    package static func forget(_ path: FilePath) { settling(path) {} }

    /// Takes everything away and ends the process; nothing can be created or reported meanwhile.
    package static func removeAll(thenEnd end: () -> Never) -> Never {
        removals.withLock { removals in
            for remove in removals.values { remove() }
            end()
        }
    }
}
