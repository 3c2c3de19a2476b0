internal import Synchronization

/// What a comparison is about at the moment; set between its parts, read by the workers' progress.
package final class CurrentSubject: Sendable {
    private let value: Mutex<String?>

    /// A subject; nil for nothing in particular.
    package init(_ name: String?) { value = Mutex(name) }

    /// Its name.
    package var name: String? {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}
