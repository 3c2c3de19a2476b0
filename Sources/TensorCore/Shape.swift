/// A tensor's dimensions, outermost first (row-major). Rank 0 is a scalar of one element.
public struct Shape: Hashable, Codable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// The sizes, outermost first.
    public let dimensions: [Int]

    /// Makes a shape; negative sizes are refused when a ``TensorDescription`` is made from it.
    public init(_ dimensions: [Int]) { self.dimensions = dimensions }

    /// Makes a shape from a literal, as in `[768, 2304]`.
    public init(arrayLiteral elements: Int...) { self.init(elements) }

    /// The number of dimensions.
    public var rank: Int { dimensions.count }

    /// The product of the sizes, or nil where one is negative or the product overflows.
    public var elementCount: Int? {
        var count = 1
        for size in dimensions {
            guard size >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            count = product
        }
        return count
    }

    /// For example `[768, 2304]`.
    public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
