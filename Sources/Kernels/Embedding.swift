internal import CKernels

/// Token and position tables.
public enum Embedding {
    /// The two tables of a model, or their gradients.
    public struct Tables: Sendable {
        /// [V, C].
        public let tokens: FloatSlice
        /// [context, C].
        public let positions: FloatSlice

        /// Slices of whole rows.
        public init(tokens: FloatSlice, positions: FloatSlice) {
            self.tokens = tokens
            self.positions = positions
        }
    }

    /// out[i] = tokens[i]'s row + positions[i]'s row, [M, C]. Out-of-range indices are the caller's error.
    public static func forward(
        tokens: Span<Int32>, positions: Span<Int32>, tables: Tables, width: Int, into out: FloatSlice
    ) {
        check(tokens, positions, tables, width, out)
        unsafe tokens.withUnsafeBufferPointer { tokens in
            unsafe positions.withUnsafeBufferPointer { positions in
                unsafe crux_embed(
                    tokens.count, width, tokens.baseAddress, positions.baseAddress, tables.tokens.base,
                    tables.positions.base, out.base)
            }
        }
    }

    /// Adds each row's gradient, [M, C], to the rows of the tables' gradients.
    public static func backward(
        _ gradient: FloatSlice, tokens: Span<Int32>, positions: Span<Int32>, width: Int, addingTo tables: Tables
    ) {
        check(tokens, positions, tables, width, gradient)
        unsafe tokens.withUnsafeBufferPointer { tokens in
            unsafe positions.withUnsafeBufferPointer { positions in
                unsafe crux_embed_backward(
                    tokens.count, width, tokens.baseAddress, positions.baseAddress, gradient.base,
                    tables.tokens.base, tables.positions.base)
            }
        }
    }

    private static func check(
        _ tokens: Span<Int32>, _ positions: Span<Int32>, _ tables: Tables, _ width: Int, _ rows: FloatSlice
    ) {
        precondition(tokens.count == positions.count && rows.count == tokens.count * width, "Embedding: sizes differ")
        let tokenCount = Bias.rows(of: tables.tokens, width: width)
        let positionCount = Bias.rows(of: tables.positions, width: width)
        for index in tokens.indices {
            precondition(tokens[index] >= 0 && Int(tokens[index]) < tokenCount, "token outside of the vocabulary")
            precondition(
                positions[index] >= 0 && Int(positions[index]) < positionCount, "position outside of the context")
        }
    }
}
