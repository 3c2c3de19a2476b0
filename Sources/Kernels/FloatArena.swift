internal import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A block of floats that lives as long as any slice of it: zeroed, aligned to 64 bytes.
///
/// `Sendable` without synchronisation: threads that write to overlapping ranges at once are the caller's error.
@safe
public final class FloatArena: @unchecked Sendable {
    /// The number of floats.
    public let count: Int
    let base: UnsafeMutablePointer<Float>

    private static let allocations = Atomic<Int>(0)
    private static let heldBytes = Atomic<Int>(0)

    /// How many arenas this process has allocated: it stands still while training and generation go on.
    public static var allocationCount: Int { allocations.load(ordering: .relaxed) }

    /// The bytes of all arenas that this process holds.
    public static var heldByteCount: Int { heldBytes.load(ordering: .relaxed) }

    /// Allocates `count` zeros.
    public init(count: Int) {
        precondition(count >= 0, "an arena cannot have a negative size")
        self.count = count
        let byteCount = max(count, 1) * MemoryLayout<Float>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        unsafe memset(memory, 0, byteCount)
        Self.allocations.add(1, ordering: .relaxed)
        Self.heldBytes.add(byteCount, ordering: .relaxed)
        unsafe base = unsafe memory.bindMemory(to: Float.self, capacity: max(count, 1))
    }

    deinit {
        unsafe UnsafeMutableRawPointer(base).deallocate()
        Self.heldBytes.subtract(max(count, 1) * MemoryLayout<Float>.stride, ordering: .relaxed)
    }

    /// All floats.
    public var all: FloatSlice { FloatSlice(arena: self, range: 0..<count) }

    /// A slice of an arena of its own, holding the elements.
    public static func holding(_ elements: [Float]) -> FloatSlice {
        let slice = FloatArena(count: elements.count).all
        slice.copy(from: elements)
        return slice
    }
}
