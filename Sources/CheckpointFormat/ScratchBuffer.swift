/// Bytes that are reused from call to call instead of being allocated anew, and never set to zero. One thread at a time;
/// what is lent must not be asked to grow meanwhile.
@safe
final class ScratchBuffer {
    private var storage = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)

    /// The bytes' count.
    private(set) var count = 0

    deinit { unsafe storage.deallocate() }

    /// Lends `count` bytes with any content.
    func withMutableBytes<Result, Failure: Error>(
        count: Int, _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if unsafe count > storage.count {
            unsafe storage.deallocate()
            unsafe storage = .allocate(byteCount: count, alignment: Format.alignment)
        }
        self.count = count
        let lent = unsafe UnsafeMutableRawBufferPointer(rebasing: storage[..<count])
        var bytes = unsafe lent.mutableBytes
        return try body(&bytes)
    }

    /// Lends the bytes as the last call has left them.
    func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe UnsafeRawBufferPointer(rebasing: storage[..<count]).bytes)
    }

    /// Lends the bytes as the last call has left them, to be changed.
    func withMutableBytes<Result, Failure: Error>(
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withMutableBytes(count: count, body)
    }

    /// Appends bytes.
    func append(_ bytes: RawSpan) {
        let total = count + bytes.byteCount
        if unsafe total > storage.count {
            let larger = unsafe UnsafeMutableRawBufferPointer.allocate(
                byteCount: max(total, 2 * storage.count), alignment: Format.alignment)
            unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<count]))
            unsafe storage.deallocate()
            unsafe storage = larger
        }
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(rebasing: storage[count..<total]).copyMemory(from: bytes)
        }
        count = total
    }

    /// Removes all bytes and keeps the memory.
    func removeAll() { count = 0 }
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
