/// Elements of the floating-point and block-quantised types as single-precision numbers, and back.
///
/// Both directions give the same bits as the Python package `gguf` (0.19) for the types that it knows.
package enum FloatElements {
    /// Whether ``decode(_:as:roundsOnce:into:)`` reads elements of a type: floating-point numbers and quantised blocks.
    package static func isDecodable(_ dtype: DType) -> Bool {
        switch dtype {
        case .f64, .f32, .f16, .bf16, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .f4, .f6e2m3, .f6e3m2: true
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q4_K, .q5_K, .q6_K: true
        case .bool, .u8, .i8, .i16, .u16, .i32, .u32, .i64, .u64, .c64: false
        }
    }

    /// The types that ``encode(_:as:allowsInfinities:into:)`` writes.
    package static let encodableTypes: [DType] = [.f32, .f16, .bf16, .q8_0, .q4_0]

    /// Replaces the values by the elements in little-endian `bytes`, whole blocks of a type that is decodable.
    ///
    /// All types but F64 are exact, up to the products of a block's scales, which are rounded as `gguf` rounds them.
    ///
    /// - Parameter roundsOnce: Whether a double is rounded so that encoding it as a type of 16 bits afterwards rounds
    ///   no second time; else it is rounded to the nearest single-precision number.
    package static func decode(
        _ bytes: RawSpan, as dtype: DType, roundsOnce: Bool = false, into values: inout [Float]
    ) {
        let blockCount = isDecodable(dtype) ? bytes.byteCount / dtype.block.byteCount : 0
        let count = blockCount * dtype.block.elementCount
        if values.count != count { values = [Float](repeating: 0, count: count) }
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe values.withUnsafeMutableBufferPointer { values in
                let decoder = unsafe FloatDecoder(bytes: bytes, values: values, blockCount: blockCount)
                unsafe decoder.decode(dtype, roundsOnce: roundsOnce)
            }
        }
    }

    /// A value that a type cannot hold.
    package struct Failure: Error {
        /// The value's index.
        package let index: Int
        /// The value.
        package let value: Float
    }

    /// Replaces the bytes by the values as a type, whole blocks of one of ``encodableTypes``.
    ///
    /// - Parameter allowsInfinities: Whether a finite value beyond the type's largest becomes an infinity.
    /// - Throws: ``Failure`` for such a value otherwise, and for one that is not finite, or a scale beyond half
    ///   precision, in a quantised block.
    package static func encode(
        _ values: [Float], as dtype: DType, allowsInfinities: Bool = false, into bytes: inout [UInt8]
    ) throws(Failure) {
        let blockCount = encodableTypes.contains(dtype) ? values.count / dtype.block.elementCount : 0
        let byteCount = blockCount * dtype.block.byteCount
        if bytes.count != byteCount { bytes = [UInt8](repeating: 0, count: byteCount) }
        let failure: Int? = unsafe values.withUnsafeBufferPointer { values in
            unsafe bytes.withUnsafeMutableBytes { bytes in
                let encoder = unsafe FloatEncoder(values: values, bytes: bytes, blockCount: blockCount)
                return unsafe encoder.encode(dtype, allowsInfinities: allowsInfinities)
            }
        }
        if let failure { throw Failure(index: failure, value: values[failure]) }
    }
}
