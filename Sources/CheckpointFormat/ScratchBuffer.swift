/// Bytes that are reused from call to call instead of being allocated anew. One thread at a time.
final class ScratchBuffer {
    private var storage: [UInt8] = []

    /// The bytes' count.
    var count: Int { storage.count }

    /// Lends `count` bytes with any content.
    func withMutableBytes<Result, Failure: Error>(
        count: Int, _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var bytes: [UInt8] = []
        swap(&bytes, &storage)
        defer { swap(&bytes, &storage) }
        bytes.resize(to: count)
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        return try body(&raw)
    }

    /// Lends the bytes as the last call has left them.
    func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = storage
        return try body(unsafe bytes.span.bytes)
    }

    /// Appends bytes.
    func append(_ bytes: RawSpan) { storage.append(bytes) }

    /// Removes all bytes and keeps the memory.
    func removeAll() { storage.removeAll(keepingCapacity: true) }
}

extension [UInt8] {
    /// Changes the count; new bytes are zero.
    mutating func resize(to count: Int) {
        if count < self.count { removeLast(self.count - count) }
        if count > self.count { append(contentsOf: repeatElement(0, count: count - self.count)) }
    }

    /// Appends the bytes of a span.
    mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
