/// The type of a tensor's elements: all types of safetensors and the block-quantised types of GGUF.
///
/// The raw value is the name that safetensors (or GGUF, for block types) uses.
public enum DType: String, CaseIterable, Codable, Hashable, Sendable {
    case bool = "BOOL"
    case f4 = "F4"
    case f6e2m3 = "F6_E2M3"
    case f6e3m2 = "F6_E3M2"
    case u8 = "U8"
    case i8 = "I8"
    case f8e5m2 = "F8_E5M2"
    case f8e4m3 = "F8_E4M3"
    case f8e8m0 = "F8_E8M0"
    case f8e4m3fnuz = "F8_E4M3FNUZ"
    case f8e5m2fnuz = "F8_E5M2FNUZ"
    case i16 = "I16"
    case u16 = "U16"
    case f16 = "F16"
    case bf16 = "BF16"
    case i32 = "I32"
    case u32 = "U32"
    case f32 = "F32"
    case c64 = "C64"
    case f64 = "F64"
    case i64 = "I64"
    case u64 = "U64"
    case q4_0 = "Q4_0"
    case q4_1 = "Q4_1"
    case q5_0 = "Q5_0"
    case q5_1 = "Q5_1"
    case q8_0 = "Q8_0"
    case q4_K = "Q4_K"
    case q5_K = "Q5_K"
    case q6_K = "Q6_K"
}

extension DType {
    /// The smallest run of elements that fills whole bytes: (elements, bytes).
    ///
    /// 1 element for plain types, 2 for F4, 4 for F6, 32 or 256 for block-quantised types.
    public var block: (elementCount: Int, byteCount: Int) {
        switch self {
        case .f4: (2, 1)
        case .f6e2m3, .f6e3m2: (4, 3)
        case .bool, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz: (1, 1)
        case .i16, .u16, .f16, .bf16: (1, 2)
        case .i32, .u32, .f32: (1, 4)
        case .c64, .f64, .i64, .u64: (1, 8)
        case .q4_0: (32, 18)
        case .q4_1: (32, 20)
        case .q5_0: (32, 22)
        case .q5_1: (32, 24)
        case .q8_0: (32, 34)
        case .q4_K: (256, 144)
        case .q5_K: (256, 176)
        case .q6_K: (256, 210)
        }
    }

    /// Whether the elements are stored in quantised blocks that share scales.
    public var isBlockQuantised: Bool { block.elementCount >= 32 }
}
