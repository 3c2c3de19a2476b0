public import TensorCore

/// Which tensors of a checkpoint get another type.
///
/// Only weights (of the model and of the critic) whose elements are floating-point numbers or quantised blocks are
/// converted. Optimiser states stay as they are.
public struct DTypeConversion: Hashable, Sendable {
    /// A type that tensors can be converted to.
    public enum Target: String, CaseIterable, Codable, Hashable, Sendable {
        case f32 = "F32"
        case f16 = "F16"
        case bf16 = "BF16"
        case q8_0 = "Q8_0"
        case q4_0 = "Q4_0"

        /// The type.
        public var dtype: DType {
            switch self {
            case .f32: .f32
            case .f16: .f16
            case .bf16: .bf16
            case .q8_0: .q8_0
            case .q4_0: .q4_0
            }
        }
    }

    /// The type; nil where all but what ``keepsSmallTensors`` concerns stay as they are.
    public let target: Target?
    /// Whether vectors and position embeddings become F32 whatever the type, as llama.cpp demands.
    public let keepsSmallTensors: Bool
    /// Whether finite values beyond the type's largest become infinities; otherwise they are errors.
    public let allowsInfinities: Bool

    /// Chooses the type.
    public init(to target: Target?, keepsSmallTensors: Bool = false, allowsInfinities: Bool = false) {
        self.target = target
        self.keepsSmallTensors = keepsSmallTensors
        self.allowsInfinities = allowsInfinities
    }

    /// The type that a tensor gets; its own where it stays as it is.
    ///
    /// Quantised blocks are for matrices whose rows fill whole blocks; everything else keeps its type, or becomes F32
    /// where that is quantised and does not stay.
    public func dtype(of tensor: TensorDescription) -> DType {
        guard tensor.role == .weight || tensor.role == .critic, FloatElements.isDecodable(tensor.dtype) else {
            return tensor.dtype
        }
        if keepsSmallTensors, tensor.shape.rank < 2 || Self.isPosition(tensor.name) { return .f32 }
        guard let dtype = target?.dtype else { return tensor.dtype }
        guard dtype.isBlockQuantised else { return dtype }
        let rowLength = tensor.shape.dimensions.last ?? 1
        guard tensor.shape.rank >= 2, rowLength % dtype.block.elementCount == 0 else { return tensor.dtype }
        return dtype
    }

    private static func isPosition(_ name: String) -> Bool {
        guard case .parameter(let parameter) = GPT2Naming.llamaCpp.meaning(of: name) else { return false }
        return parameter.module == .positionEmbedding
    }
}
