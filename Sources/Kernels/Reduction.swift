internal import CKernels

/// Sums over whole slices, always in the same order.
public enum Reduction {
    /// into += from, element by element.
    public static func add(into: FloatSlice, from: FloatSlice) {
        precondition(into.count == from.count, "Reduction: slices of different sizes")
        unsafe crux_add(into.count, into.base, from.base)
    }

    /// slice *= factor, element by element.
    public static func scale(_ slice: FloatSlice, by factor: Float) {
        unsafe crux_scale(slice.count, slice.base, factor)
    }

    /// The sum of the squares, in double precision.
    public static func sumOfSquares(_ slice: FloatSlice) -> Double {
        unsafe crux_sum_of_squares(slice.count, slice.base)
    }
}
