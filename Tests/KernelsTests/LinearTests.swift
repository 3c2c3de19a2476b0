import Kernels
import Testing

@Suite struct LinearTests {
    /// Sizes around tiles, panels, strips and pieces: [M, N, K].
    static let sizes = [
        (1, 1, 1), (5, 3, 2), (6, 16, 16), (49, 19, 24), (97, 130, 77), (129, 48, 40), (140, 50, 530), (3, 4200, 17),
        (2, 18, 5000),
    ]

    private func scratch(_ n: Int, _ k: Int) -> FloatSlice {
        let scratch = FloatArena(count: Linear.scratchCount(maximumWidth: max(n, k))).all
        scratch.fill(.nan)
        return scratch
    }

    private func filled(_ count: Int) -> FloatSlice {
        let out = FloatArena(count: count).all
        out.fill(.nan)
        return out
    }

    @Test(arguments: sizes, [false, true])
    func forward(size: (Int, Int, Int), hasBias: Bool) {
        let (m, n, k) = size
        let (input, weight) = (rounded(numbers(m * k)), rounded(numbers(n * k, seed: 2)))
        let bias = rounded(numbers(n, seed: 3))
        var expected: [Double] = []
        for row in 0..<m {
            for column in 0..<n {
                expected.append(
                    (0..<k).reduce(hasBias ? bias[column] : 0) {
                        $0 + input[row * k + $1] * weight[column * k + $1]
                    })
            }
        }
        let out = filled(m * n)
        Linear.forward(
            slice(input), inputWidth: k, weight: slice(weight), bias: hasBias ? slice(bias) : nil, into: out,
            scratch: scratch(n, k))
        expectClose(out, expected)
    }

    @Test(arguments: sizes)
    func inputGradient(size: (Int, Int, Int)) {
        let (m, n, k) = size
        let (gradient, weight) = (rounded(numbers(m * n)), rounded(numbers(n * k, seed: 2)))
        var expected: [Double] = []
        for row in 0..<m {
            for column in 0..<k {
                expected.append((0..<n).reduce(0) { $0 + gradient[row * n + $1] * weight[$1 * k + column] })
            }
        }
        let out = filled(m * k)
        Linear.inputGradient(
            slice(gradient), weight: slice(weight), inputWidth: k, into: out, scratch: scratch(n, k))
        expectClose(out, expected)
    }

    @Test(arguments: sizes)
    func weightGradient(size: (Int, Int, Int)) {
        let (m, n, k) = size
        let (gradient, input) = (rounded(numbers(m * n)), rounded(numbers(m * k, seed: 2)))
        let before = rounded(numbers(n * k, seed: 3))
        var expected = before
        for row in 0..<m {
            for output in 0..<n {
                for column in 0..<k {
                    expected[output * k + column] += gradient[row * n + output] * input[row * k + column]
                }
            }
        }
        let sum = slice(before)
        Linear.addWeightGradient(
            slice(gradient), input: slice(input), inputWidth: k, to: sum, scratch: scratch(n, k))
        expectClose(sum, expected)
    }

    @Test("A row's result does not depend on the rows beside it")
    func rows() {
        let (n, k) = (130, 75)
        let (input, weight) = (slice(numbers(101 * k)), slice(numbers(n * k, seed: 2)))
        func product(_ rows: Range<Int>) -> [Float] {
            let out = filled(rows.count * n)
            Linear.forward(
                input[(rows.lowerBound * k)..<(rows.upperBound * k)], inputWidth: k, weight: weight, bias: nil,
                into: out, scratch: scratch(n, k))
            return out.array
        }
        #expect(product(0..<101) == (0..<101).flatMap { product($0..<($0 + 1)) })
    }
}
