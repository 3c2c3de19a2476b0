/// A range of a ``FloatArena``: a reference to memory, not a copy. Every access is checked against its bounds.
///
/// Slices may be read from several threads at once; a range that one thread writes must not be touched by
/// another at the same time.
@safe
public struct FloatSlice: @unchecked Sendable {
    private let arena: FloatArena
    private let offset: Int
    /// The number of floats.
    public let count: Int

    init(arena: FloatArena, range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= arena.count, "slice outside of its arena")
        self.arena = arena
        offset = range.lowerBound
        count = range.count
    }

    /// A part of the slice, counted from its start.
    public subscript(range: Range<Int>) -> FloatSlice {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "range outside of the slice")
        return FloatSlice(arena: arena, range: (offset + range.lowerBound)..<(offset + range.upperBound))
    }

    /// The first `count` floats.
    public func prefix(_ count: Int) -> FloatSlice { self[0..<count] }

    /// One element.
    public subscript(index: Int) -> Float {
        get {
            precondition(index >= 0 && index < count, "index outside of the slice")
            return unsafe base[index]
        }
        nonmutating set {
            precondition(index >= 0 && index < count, "index outside of the slice")
            unsafe base[index] = newValue
        }
    }

    /// Reads the floats in place.
    public func withSpan<R, E: Error>(_ body: (Span<Float>) throws(E) -> R) throws(E) -> R {
        try body(unsafe UnsafeBufferPointer(start: base, count: count).span)
    }

    /// Writes the floats in place.
    public func withMutableSpan<R, E: Error>(_ body: (inout MutableSpan<Float>) throws(E) -> R) throws(E) -> R {
        var span = unsafe UnsafeMutableBufferPointer(start: base, count: count).mutableSpan
        return try body(&span)
    }

    /// Reads the floats' bytes in place, in the machine's order.
    public func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        try body(unsafe UnsafeRawBufferPointer(UnsafeBufferPointer(start: base, count: count)).bytes)
    }

    /// Sets every float.
    public func fill(_ value: Float) { unsafe base.update(repeating: value, count: count) }

    /// Copies a slice of the same size; the two must not overlap.
    public func copy(from source: FloatSlice) {
        precondition(source.count == count, "copy between slices of different sizes")
        unsafe base.update(from: source.base, count: count)
    }

    /// Copies a span of the same size.
    public func copy(from source: Span<Float>) {
        precondition(source.count == count, "copy between slices of different sizes")
        unsafe source.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            unsafe base.update(from: start, count: count)
        }
    }

    /// Copies an array of the same size.
    public func copy(from source: [Float]) { copy(from: source.span) }

    /// A copy of the floats.
    public var array: [Float] { unsafe Array(UnsafeBufferPointer(start: base, count: count)) }

    /// The first float's address, valid while the slice is; unsafe: only this target's kernels use it.
    var base: UnsafeMutablePointer<Float> { unsafe arena.base + offset }
}
