import Foundation
import Kernels
import Testing

@Suite struct GeluTests {
    private func reference(_ x: Double) -> Double {
        0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }

    @Test(arguments: [(1, 1), (3, 7), (4, 64), (3, 130)], [true, false])
    func forwardAndBackward(size: (Int, Int), usesBias: Bool) {
        let (rows, width) = size
        let x = rounded(numbers(rows * width).map { 6 * $0 })
        let bias = usesBias ? rounded(numbers(width, seed: 2)) : nil
        let total = x.indices.map { x[$0] + (bias?[$0 % width] ?? 0) }
        let (input, out) = (slice(x), FloatArena(count: rows * width).all)
        Gelu.forward(addingBias: bias.map(slice), to: input, width: width, into: out)
        expectClose(input, total)
        expectClose(out, total.map(reference), within: 2e-6)
        let inPlace = slice(x)
        Gelu.forward(addingBias: bias.map(slice), to: inPlace, width: width, into: inPlace)
        #expect(inPlace.array == out.array)

        let outGradient = rounded(numbers(rows * width, seed: 3))
        let gradient = slice(outGradient)
        let biasGradient = slice(Array(repeating: 1, count: width))
        let recomputed = FloatArena(count: rows * width).all
        Gelu.backward(gradient, input: input, width: width, recomputing: recomputed, biasGradient: biasGradient)
        expectClose(recomputed, out.array.map(Double.init), within: 1e-6)
        let expected = slopes(total) { dot($0.map(reference), outGradient) }
        expectClose(gradient, expected)
        expectClose(
            biasGradient,
            (0..<width).map { column in
                1 + (0..<rows).reduce(0) { $0 + expected[$1 * width + column] }
            })
    }

    @Test func extremesStayExact() {
        let input = FloatArena.holding([-100, -20, 0, 20, 100, 1e30, .nan, .infinity])
        let out = FloatArena(count: 8).all
        Gelu.forward(addingBias: nil, to: input, width: 8, into: out)
        #expect(out.array.prefix(6).elementsEqual([0, 0, 0, 20, 100, 1e30]))
        #expect(out[6].isNaN && out[7] == .infinity)
    }
}
