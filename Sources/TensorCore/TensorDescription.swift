/// Name, element type, shape and role of a tensor whose size in bytes is known to be representable.
public struct TensorDescription: Hashable, Sendable, CustomStringConvertible {
    /// The tensor's name, unique in its checkpoint.
    public let name: String
    /// The type of the elements.
    public let dtype: DType
    /// The dimensions, outermost first.
    public let shape: Shape
    /// What the tensor is for.
    public let role: TensorRole
    /// The number of elements.
    public let elementCount: Int
    /// The size of the little-endian row-major content in bytes.
    public let byteCount: Int

    /// Describes a tensor.
    ///
    /// - Throws: ``TensorError`` for a negative size, an overflow, or an innermost dimension that does not
    ///   fill whole blocks of a quantised type.
    public init(name: String, dtype: DType, shape: Shape, role: TensorRole = .weight) throws(TensorError) {
        guard let elementCount = shape.elementCount else {
            throw TensorError(tensor: name, problem: .unrepresentableShape(shape))
        }
        let block = dtype.block
        // Sub-byte types pack across rows; quantised blocks lie along the innermost dimension.
        let blocked = dtype.isBlockQuantised ? (shape.dimensions.last ?? 1) : elementCount
        guard blocked % block.elementCount == 0 else {
            throw TensorError(tensor: name, problem: .partialBlock(dtype, shape))
        }
        let (byteCount, overflow) = (elementCount / block.elementCount).multipliedReportingOverflow(by: block.byteCount)
        guard !overflow else { throw TensorError(tensor: name, problem: .unrepresentableShape(shape)) }
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.role = role
        self.elementCount = elementCount
        self.byteCount = byteCount
    }

    /// For example `wte.weight F32 [46, 128]`.
    public var description: String { "\(name) \(dtype.rawValue) \(shape)" }
}

/// A tensor that cannot exist: which one and why.
public struct TensorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Problem: Hashable, Sendable {
        /// A negative size, or a product that overflows.
        case unrepresentableShape(Shape)
        /// The elements do not fill whole blocks.
        case partialBlock(DType, Shape)
    }

    /// The tensor's name.
    public let tensor: String
    /// What is wrong.
    public let problem: Problem

    /// Names the tensor and the problem.
    public init(tensor: String, problem: Problem) {
        self.tensor = tensor
        self.problem = problem
    }

    /// One line: tensor, found, expected.
    public var description: String {
        switch problem {
        case .unrepresentableShape(let shape):
            "tensor '\(tensor)': shape \(shape) has a negative size or more elements than can be addressed"
        case .partialBlock(let dtype, let shape):
            "tensor '\(tensor)': shape \(shape) does not fill whole blocks of \(dtype.block.elementCount) "
                + "\(dtype.rawValue) elements"
        }
    }
}
