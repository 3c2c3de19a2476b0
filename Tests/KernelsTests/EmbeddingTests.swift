import Kernels
import Testing

@Suite struct EmbeddingTests {
    @Test(arguments: [1, 5, 32])
    func gathersAndScatters(width: Int) {
        let tokens: [Int32] = [2, 0, 2, 1]
        let positions: [Int32] = [0, 1, 4, 1]
        let tokenTable = numbers(3 * width, seed: 1)
        let positionTable = numbers(5 * width, seed: 2)
        let out = FloatArena(count: 4 * width).all
        Embedding.forward(
            tokens: tokens.span, positions: positions.span,
            tables: Embedding.Tables(tokens: slice(tokenTable), positions: slice(positionTable)), width: width,
            into: out)
        expectClose(
            out,
            (0..<4).flatMap { row in
                (0..<width).map { column in
                    tokenTable[Int(tokens[row]) * width + column]
                        + positionTable[Int(positions[row]) * width + column]
                }
            })

        let gradient = numbers(4 * width, seed: 3)
        let tables = Embedding.Tables(
            tokens: slice(Array(repeating: 1, count: 3 * width)),
            positions: slice(Array(repeating: 2, count: 5 * width)))
        Embedding.backward(
            slice(gradient), tokens: tokens.span, positions: positions.span, width: width, addingTo: tables)
        func expected(_ indices: [Int32], _ count: Int, _ start: Double) -> [Double] {
            var table = [Double](repeating: start, count: count * width)
            for (row, index) in indices.enumerated() {
                for column in 0..<width { table[Int(index) * width + column] += gradient[row * width + column] }
            }
            return table
        }
        expectClose(tables.tokens, expected(tokens, 3, 1))
        expectClose(tables.positions, expected(positions, 5, 2))
    }

    @Test func biasesAndTheirGradients() {
        let matrix = slice([1, 2, 3, 4, 5, 6])
        Bias.add(slice([10, 20, 30]), to: matrix)
        #expect(matrix.array == [11, 22, 33, 14, 25, 36])
        let gradient = slice([1, 1, 1])
        Bias.addGradient(of: matrix, to: gradient)
        #expect(gradient.array == [26, 48, 70])
    }
}
