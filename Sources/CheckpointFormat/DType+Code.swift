package import TensorCore

extension DType {
    /// The number that stands for the type in a file: safetensors' types from 1, GGUF's from 256 + their id.
    package var code: UInt16 {
        switch self {
        case .bool: 1
        case .f4: 2
        case .f6e2m3: 3
        case .f6e3m2: 4
        case .u8: 5
        case .i8: 6
        case .f8e5m2: 7
        case .f8e4m3: 8
        case .f8e8m0: 9
        case .f8e4m3fnuz: 10
        case .f8e5m2fnuz: 11
        case .i16: 12
        case .u16: 13
        case .f16: 14
        case .bf16: 15
        case .i32: 16
        case .u32: 17
        case .f32: 18
        case .c64: 19
        case .f64: 20
        case .i64: 21
        case .u64: 22
        case .q4_0: 258
        case .q4_1: 259
        case .q5_0: 262
        case .q5_1: 263
        case .q8_0: 264
        case .q4_K: 268
        case .q5_K: 269
        case .q6_K: 270
        }
    }

    /// The type of a number from a file, or nil for one that is not assigned.
    package init?(code: UInt16) {
        guard let dtype = Self.byCode[code] else { return nil }
        self = dtype
    }

    private static let byCode = Dictionary(uniqueKeysWithValues: allCases.map { ($0.code, $0) })

    /// How byte planes are cut: the size of the word in bytes, and whether it is a float whose sign bit is
    /// moved out of the way. Nil for types without words of several bytes.
    package var planes: (width: Int, isRotated: Bool)? {
        switch self {
        case .f16, .bf16: (2, true)
        case .f32, .c64: (4, true)
        case .f64: (8, true)
        case .i16, .u16: (2, false)
        case .i32, .u32: (4, false)
        case .i64, .u64: (8, false)
        default: nil
        }
    }
}
