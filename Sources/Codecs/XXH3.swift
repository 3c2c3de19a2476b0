internal import CKernels
internal import CXXHash

/// One-shot XXH3 hashes with seed 0.
public enum XXH3 {
    /// The 64-bit hash.
    public static func hash64(_ bytes: RawSpan) -> UInt64 {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe XXH3_64bits(buffer.baseAddress, buffer.count)
        }
    }

    /// The 128-bit hash.
    public static func hash128(_ bytes: RawSpan) -> Digest128 {
        let hash = unsafe bytes.withUnsafeBytes { buffer in
            unsafe crux_hash128_of(buffer.count, buffer.baseAddress)
        }
        return Digest128(high: hash.high, low: hash.low)
    }

    /// The 128-bit hash of an array.
    public static func hash128(_ bytes: [UInt8]) -> Digest128 { unsafe hash128(bytes.span.bytes) }
}

/// A 128-bit XXH3 hash of bytes that arrive in pieces.
@safe
public struct XXH3Hasher128: ~Copyable {
    private let state: UnsafeMutableRawPointer

    /// Starts with no bytes.
    public init() {
        guard let state = unsafe crux_hash128_make() else {
            // The allocation of half a kilobyte failed: Swift's own allocations end the process here as well.
            fatalError("out of memory")
        }
        unsafe self.state = state
    }

    deinit {
        unsafe crux_hash128_free(state)
    }

    /// Adds bytes.
    public mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe crux_hash128_update(state, buffer.count, buffer.baseAddress)
        }
    }

    /// The hash of all bytes so far.
    public borrowing func finalize() -> Digest128 {
        let hash = unsafe crux_hash128_value(state)
        return Digest128(high: hash.high, low: hash.low)
    }
}
