internal import CKernels

/// What coding each byte by itself can gain.
public enum ByteEntropy {
    /// The bits a byte that a code of single bytes needs at least: 0 where all bytes are equal, at most 8.
    ///
    /// - Parameter bytes: Less than 4 GiB.
    public static func bits(of bytes: RawSpan) -> Double {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            return unsafe crux_byte_entropy(bytes.count, start)
        }
    }
}
