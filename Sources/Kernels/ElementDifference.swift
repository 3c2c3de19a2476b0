package import CKernels

/// Figures over pairs of elements of two tensors.
package enum ElementDifference {
    /// The bins of a distance in steps: bin 0 holds 0, bin b distances from 2^(b−1) up to below 2^b.
    package static let stepBinCount = Int(CRUX_STEP_BINS)

    /// A type whose neighbouring values are one step (ULP) apart.
    package enum StepType: Sendable {
        case f32, f16, bf16
    }

    /// Adds the sums over pairs; elements beyond the shorter of both are left out.
    package static func add(
        base: Span<Float>, policy: Span<Float>, absolute: Double, relative: Double, to sums: inout crux_difference_sums
    ) {
        let count = min(base.count, policy.count)
        unsafe base.withUnsafeBufferPointer { base in
            unsafe policy.withUnsafeBufferPointer { policy in
                guard let from = base.baseAddress, let to = policy.baseAddress else { return }
                unsafe crux_difference(count, from, to, absolute, relative, &sums)
            }
        }
    }

    /// Counts the distances of pairs of little-endian floats, in steps of their type; pairs with a NaN are left out.
    ///
    /// - Returns: How many pairs have different bits.
    package static func addSteps(base: RawSpan, policy: RawSpan, type: StepType, to bins: inout [Int64]) -> Int {
        precondition(bins.count == stepBinCount, "ElementDifference: a wrong number of bins")
        let bytes = min(base.byteCount, policy.byteCount)
        return unsafe base.withUnsafeBytes { base in
            unsafe policy.withUnsafeBytes { policy in
                guard let from = base.baseAddress, let to = policy.baseAddress else { return 0 }
                return unsafe bins.withUnsafeMutableBufferPointer { bins in
                    guard let bins = bins.baseAddress else { return 0 }
                    return switch type {
                    case .f32: unsafe crux_steps_f32(bytes / 4, from, to, bins)
                    case .f16: unsafe crux_steps_f16(bytes / 2, from, to, bins)
                    case .bf16: unsafe crux_steps_bf16(bytes / 2, from, to, bins)
                    }
                }
            }
        }
    }

    /// Lends the exact values of little-endian floats: in place where they are aligned floats already, else in `values`,
    /// which has room for them.
    package static func withValues<Value>(
        of bytes: RawSpan, as type: StepType, in values: inout [Float], _ body: (Span<Float>) -> Value
    ) -> Value {
        let isInPlace = unsafe bytes.withUnsafeBytes { bytes in
            type == .f32 && Int(bitPattern: bytes.baseAddress) % MemoryLayout<Float>.alignment == 0
        }
        if isInPlace {
            let whole = bytes.extracting(first: bytes.byteCount / 4 * 4)
            return body(Span<Float>(_bytes: whole))
        }
        let count = read(bytes, as: type, into: &values)
        return body(values.span.extracting(0..<count))
    }

    /// Replaces the first values by the exact values of little-endian floats; returns how many there are.
    package static func read(_ bytes: RawSpan, as type: StepType, into values: inout [Float]) -> Int {
        let count = min(bytes.byteCount / (type == .f32 ? 4 : 2), values.count)
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe values.withUnsafeMutableBufferPointer { values in
                guard let from = bytes.baseAddress, let to = values.baseAddress else { return }
                switch type {
                case .f32: unsafe UnsafeMutableRawPointer(to).copyMemory(from: from, byteCount: count * 4)
                case .f16: unsafe crux_widen_f16(count, from, to)
                case .bf16: unsafe crux_widen_bf16(count, from, to)
                }
            }
        }
        return count
    }
}
