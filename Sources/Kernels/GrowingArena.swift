internal import Synchronization

/// Memory for matrices whose size changes from use to use: allocated anew only where more is needed than ever before.
///
/// A slice of it holds what was written until the next call.
public final class GrowingArena: Sendable {
    private let stored = Mutex<FloatArena?>(nil)

    /// Memory for nothing yet.
    public init() {}

    /// The first `count` floats, with what they last held.
    public func prefix(_ count: Int) -> FloatSlice {
        stored.withLock { stored in
            if let arena = stored, arena.count >= count { return arena.all.prefix(count) }
            // A little more, so that sizes that creep up do not allocate each time.
            let arena = FloatArena(count: count + count / 4)
            stored = arena
            return arena.all.prefix(count)
        }
    }
}
