internal import CKernels

/// How many of some floats are NaN or infinite.
package struct NonFiniteCount: Hashable, Sendable {
    /// A type whose elements can be counted, by its bit patterns.
    package enum FloatType: Sendable {
        case f16, bf16, f32, f64
    }

    /// NaNs.
    package var nans: Int64 = 0
    /// Infinities of either sign.
    package var infinities: Int64 = 0

    /// Starts with none.
    package init() {}

    /// Counts the elements of little-endian bytes; bytes behind the last whole element are left out.
    package mutating func add(_ bytes: RawSpan, as type: FloatType) {
        unsafe bytes.withUnsafeBytes { buffer in
            // Blocks keep the loops' 32-bit counts from overflowing.
            let block = 1 << 30
            for start in stride(from: 0, to: buffer.count, by: block) {
                let part = unsafe UnsafeRawBufferPointer(rebasing: buffer[start..<min(start + block, buffer.count)])
                guard let from = part.baseAddress else { return }
                switch type {
                case .f16: unsafe crux_non_finite_f16(part.count / 2, from, &nans, &infinities)
                case .bf16: unsafe crux_non_finite_bf16(part.count / 2, from, &nans, &infinities)
                case .f32: unsafe crux_non_finite_f32(part.count / 4, from, &nans, &infinities)
                case .f64: unsafe crux_non_finite_f64(part.count / 8, from, &nans, &infinities)
                }
            }
        }
    }
}
