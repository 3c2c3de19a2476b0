internal import Kernels
internal import Synchronization
public import TensorCore

/// The NaNs and infinities of one tensor.
public struct NonFiniteTensor: Codable, Hashable, Sendable {
    /// The tensor.
    public let tensor: String
    /// NaNs.
    public let nanCount: Int
    /// Infinities of either sign.
    public let infinityCount: Int
}

/// Counts NaNs and infinities in tensors whose content arrives in pieces, from any thread.
///
/// Floats of 16 to 64 bits and complex numbers of them are counted; integers have none, and floats of fewer bits and
/// quantised blocks are left out.
public final class NonFiniteTally: Sendable {
    private let counts = Mutex<[String: NonFiniteCount]>([:])

    /// Starts with no tensors.
    public init() {}

    /// Whether the elements of a type are counted.
    public static func counts(_ dtype: DType) -> Bool { floatType(dtype) != nil }

    /// Adds whole elements of a tensor.
    public func add(_ bytes: RawSpan, of tensor: TensorDescription) {
        guard let type = Self.floatType(tensor.dtype) else { return }
        var count = NonFiniteCount()
        count.add(bytes, as: type)
        guard count != NonFiniteCount() else { return }
        counts.withLock { counts in
            counts[tensor.name, default: NonFiniteCount()].nans += count.nans
            counts[tensor.name, default: NonFiniteCount()].infinities += count.infinities
        }
    }

    /// The tensors that hold any, by name.
    public var tensors: [NonFiniteTensor] {
        counts.withLock { counts in
            counts.map {
                NonFiniteTensor(tensor: $0.key, nanCount: Int($0.value.nans), infinityCount: Int($0.value.infinities))
            }
        }
        .sorted { $0.tensor < $1.tensor }
    }

    private static func floatType(_ dtype: DType) -> NonFiniteCount.FloatType? {
        switch dtype {
        case .f16: .f16
        case .bf16: .bf16
        case .f32, .c64: .f32
        case .f64: .f64
        default: nil
        }
    }
}

extension NonFiniteTensor: CustomStringConvertible {
    /// One line, as `tensor 'h.0.attn.c_attn.weight': 3 NaN, 1 infinity`.
    public var description: String {
        var parts: [String] = []
        if nanCount > 0 { parts.append("\(nanCount) NaN") }
        if infinityCount > 0 { parts.append("\(infinityCount) \(infinityCount == 1 ? "infinity" : "infinities")") }
        return "tensor '\(tensor)': \(parts.joined(separator: ", "))"
    }
}
