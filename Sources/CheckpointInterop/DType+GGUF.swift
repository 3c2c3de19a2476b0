internal import TensorCore

extension DType {
    /// GGUF's number of the type; nil for types that GGUF lacks.
    var ggufType: UInt32? {
        switch self {
        case .f32: 0
        case .f16: 1
        case .q4_0: 2
        case .q4_1: 3
        case .q5_0: 6
        case .q5_1: 7
        case .q8_0: 8
        case .q4_K: 12
        case .q5_K: 13
        case .q6_K: 14
        case .i8: 24
        case .i16: 25
        case .i32: 26
        case .i64: 27
        case .f64: 28
        case .bf16: 30
        default: nil
        }
    }

    /// The type of GGUF's number, or nil for one that is not read.
    init?(ggufType: UInt32) {
        guard let dtype = Self.byGGUFType[ggufType] else { return nil }
        self = dtype
    }

    private static let byGGUFType = Dictionary(
        uniqueKeysWithValues: allCases.compactMap { dtype in dtype.ggufType.map { ($0, dtype) } })

    /// The names of GGUF's other types, for messages.
    static let otherGGUFTypes: [UInt32: String] = [
        9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
        20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
        40: "NVFP4", 41: "Q1_0",
    ]
}
