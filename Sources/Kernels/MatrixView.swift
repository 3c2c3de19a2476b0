/// A row-major matrix inside a slice, whose rows may lie further apart than they are long.
public struct MatrixView: Sendable {
    /// The memory, from the first element on.
    public let slice: FloatSlice
    /// The number of rows.
    public let rows: Int
    /// The number of columns.
    public let columns: Int
    /// The distance between the starts of two rows, in floats.
    public let stride: Int
    /// Whether products take the transpose of what is stored.
    public private(set) var isTransposed = false

    /// A view from the slice's first float on; `stride` is `columns` unless given.
    public init(_ slice: FloatSlice, rows: Int, columns: Int, stride: Int? = nil) {
        let stride = stride ?? columns
        precondition(rows >= 0 && columns >= 0 && stride >= columns, "impossible matrix")
        precondition(
            rows == 0 || columns == 0 || (rows - 1) * stride + columns <= slice.count, "matrix larger than its slice")
        self.slice = slice
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    /// The same memory for products to take transposed; ``rows`` and ``columns`` stay those stored.
    public var transposed: MatrixView {
        var view = self
        view.isTransposed.toggle()
        return view
    }

    /// Some of the stored rows; transposed if the matrix is.
    public func rows(_ range: Range<Int>) -> MatrixView {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows outside of the matrix")
        let start = min(range.lowerBound * stride, slice.count)
        var part = MatrixView(slice[start..<slice.count], rows: range.count, columns: columns, stride: stride)
        part.isTransposed = isTransposed
        return part
    }

    /// Some of the stored columns; transposed if the matrix is.
    public func columns(_ range: Range<Int>) -> MatrixView {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns outside of the matrix")
        let start = min(range.lowerBound, slice.count)
        var part = MatrixView(slice[start..<slice.count], rows: rows, columns: range.count, stride: stride)
        part.isTransposed = isTransposed
        return part
    }
}
