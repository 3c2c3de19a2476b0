import Foundation
import Kernels
import Testing

@Suite struct OptimiserTests {
    @Test(arguments: [1, 7, 64, 1001])
    func adamWFollowsItsDefinition(count: Int) {
        var weights = rounded(numbers(count, seed: 1))
        let gradients = (1...3).map { rounded(numbers(count, seed: UInt64($0 + 1)).map { 0.1 * $0 }) }
        let (parameters, first, second) = (slice(weights), FloatArena(count: count).all, FloatArena(count: count).all)
        var (m, v) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
        for step in 1...3 {
            AdamW.update(
                parameters: parameters, gradients: slice(gradients[step - 1]), firstMoment: first,
                secondMoment: second, learningRate: 0.01, beta1: 0.9, beta2: 0.95, epsilon: 1e-8,
                weightDecay: 0.1, gradientScale: 0.5, step: step)
            for index in 0..<count {
                let g = 0.5 * gradients[step - 1][index]
                m[index] = 0.9 * m[index] + 0.1 * g
                v[index] = 0.95 * v[index] + 0.05 * g * g
                weights[index] *= 1 - 0.01 * 0.1
                let corrected = m[index] / (1 - pow(0.9, Double(step)))
                let root = (v[index] / (1 - pow(0.95, Double(step)))).squareRoot()
                weights[index] -= 0.01 * corrected / (root + 1e-8)
            }
        }
        expectClose(parameters, weights, within: 2e-6)
        expectClose(first, m)
        expectClose(second, v)
    }

    @Test func sumsAreExactAndInOrder() {
        let values = rounded(numbers(100_003))
        let sum = Reduction.sumOfSquares(slice(values))
        #expect(abs(sum - dot(values, values)) < 1e-9 * sum)
        #expect(Reduction.sumOfSquares(slice(values)) == sum)
        // Beyond what a float could hold.
        #expect(abs(Reduction.sumOfSquares(FloatArena.holding([3e20, 4e20])) / 25e40 - 1) < 1e-6)
        #expect(Reduction.sumOfSquares(FloatArena.holding([1, .nan])).isNaN)
        let into = slice([1, 2, 3])
        Reduction.add(into: into, from: slice([10, 20, 30]))
        Reduction.scale(into, by: 2)
        #expect(into.array == [22, 44, 66])
    }
}
