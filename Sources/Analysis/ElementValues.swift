package import TensorCore

/// Exact values of a tensor's elements as Double.
package enum ElementValues {
    /// Whether the elements of a type can be read as numbers that a Double holds exactly.
    ///
    /// The others (64-bit integers, complex numbers, types of less than a byte, quantised blocks) are compared
    /// bit by bit only.
    package static func isNumeric(_ dtype: DType) -> Bool {
        switch dtype {
        case .f64, .f32, .f16, .bf16, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz: true
        case .bool, .u8, .i8, .u16, .i16, .u32, .i32: true
        case .i64, .u64, .c64, .f4, .f6e2m3, .f6e3m2: false
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q4_K, .q5_K, .q6_K: false
        }
    }

    /// Whether the elements are floating-point numbers that a Double holds exactly.
    package static func isFloatingPoint(_ dtype: DType) -> Bool {
        switch dtype {
        case .f64, .f32, .f16, .bf16, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz: true
        default: false
        }
    }

    /// Replaces the first values by the elements in little-endian `bytes`; returns how many there are.
    ///
    /// Nothing is read of a type that is not numeric or beyond `values`.
    package static func read(_ bytes: RawSpan, as dtype: DType, into values: inout [Double]) -> Int {
        guard isNumeric(dtype) else { return 0 }
        let count = min(bytes.byteCount / dtype.block.byteCount, values.count)
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe values.withUnsafeMutableBufferPointer { values in
                let elements = unsafe Elements(bytes: bytes, values: values, count: count)
                unsafe elements.read(as: dtype)
            }
        }
        return count
    }

    /// The loops over one run of elements; `bytes` and `values` hold `count` of them.
    @unsafe
    private struct Elements {
        let bytes: UnsafeRawBufferPointer
        let values: UnsafeMutableBufferPointer<Double>
        let count: Int

        func read(as dtype: DType) {
            switch dtype {
            case .f64: unsafe each { (bits: UInt64) in Double(bitPattern: bits) }
            case .f32: unsafe each { (bits: UInt32) in Double(Float(bitPattern: bits)) }
            case .bf16: unsafe each { (bits: UInt16) in Double(Float(BFloat16(bitPattern: bits))) }
            case .f16: unsafe each { (bits: UInt16) in Double(Float(halfBits: bits)) }
            case .u32: unsafe each { (bits: UInt32) in Double(bits) }
            case .i32: unsafe each { (bits: UInt32) in Double(Int32(bitPattern: bits)) }
            case .u16: unsafe each { (bits: UInt16) in Double(bits) }
            case .i16: unsafe each { (bits: UInt16) in Double(Int16(bitPattern: bits)) }
            case .u8, .bool: unsafe each { (bits: UInt8) in Double(bits) }
            case .i8: unsafe each { (bits: UInt8) in Double(Int8(bitPattern: bits)) }
            default:
                let table = NarrowFloat.values(of: dtype)
                unsafe each { (bits: UInt8) in table[Int(bits)] }
            }
        }

        @inline(__always)
        private func each<Bits: FixedWidthInteger & BitwiseCopyable>(_ value: (Bits) -> Double) {
            let width = MemoryLayout<Bits>.size
            for index in 0..<(unsafe count) {
                let bits = unsafe bytes.loadUnaligned(fromByteOffset: index * width, as: Bits.self)
                unsafe values[index] = value(Bits(littleEndian: bits))
            }
        }
    }
}
