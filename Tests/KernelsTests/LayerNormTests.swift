import Foundation
import Kernels
import Testing

@Suite struct LayerNormTests {
    static let sizes = [(1, 1), (3, 7), (5, 32), (2, 100), (9, 129)]

    /// LayerNorm of rows in double precision.
    private func reference(_ x: [Double], _ weight: [Double], _ bias: [Double]?, _ epsilon: Double) -> [Double] {
        let width = weight.count
        return stride(from: 0, to: x.count, by: width).flatMap { start -> [Double] in
            let row = x[start..<(start + width)]
            let mean = row.reduce(0, +) / Double(width)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
            return row.enumerated().map { index, value in
                (value - mean) / (variance + epsilon).squareRoot() * weight[index] + (bias?[index] ?? 0)
            }
        }
    }

    private func statistics(_ rows: Int) -> LayerNorm.Statistics {
        LayerNorm.Statistics(
            mean: FloatArena(count: rows).all, reciprocalDeviation: FloatArena(count: rows).all)
    }

    @Test(arguments: sizes, [true, false])
    func forward(size: (Int, Int), usesBias: Bool) {
        let (rows, width) = size
        let x = rounded(numbers(rows * width, seed: 1).map { 3 * $0 + 1 })
        let addend = rounded(numbers(rows * width, seed: 2))
        let weight = rounded(numbers(width, seed: 3))
        let bias = usesBias ? rounded(numbers(width, seed: 4)) : nil
        let out = FloatArena(count: rows * width).all
        LayerNorm.forward(
            slice(x), weight: slice(weight), bias: bias.map(slice), epsilon: 1e-3, into: out,
            statistics: statistics(rows))
        expectClose(out, reference(x, weight, bias, 1e-3))

        // With a residual, into another slice and in place.
        let total = zip(x, addend).map { $0 + $1 }
        let sum = FloatArena(count: rows * width).all
        LayerNorm.forward(
            slice(x), adding: (slice(addend), sum), weight: slice(weight), bias: bias.map(slice), epsilon: 1e-3,
            into: out, statistics: statistics(rows))
        expectClose(sum, total)
        expectClose(out, reference(total, weight, bias, 1e-3))
        let inPlace = slice(x)
        let again = FloatArena(count: rows * width).all
        LayerNorm.forward(
            inPlace, adding: (slice(addend), inPlace), weight: slice(weight), bias: bias.map(slice), epsilon: 1e-3,
            into: again, statistics: statistics(rows))
        #expect(inPlace.array == sum.array && again.array == out.array)
    }

    @Test(arguments: sizes, [true, false])
    func backward(size: (Int, Int), usesBias: Bool) {
        let (rows, width) = size
        let x = rounded(numbers(rows * width, seed: 5))
        let weight = rounded(numbers(width, seed: 6).map { $0 + 1 })
        let bias = usesBias ? rounded(numbers(width, seed: 7)) : nil
        let outGradient = rounded(numbers(rows * width, seed: 8))
        let statistics = statistics(rows)
        let out = FloatArena(count: rows * width).all
        LayerNorm.forward(
            slice(x), weight: slice(weight), bias: bias.map(slice), epsilon: 0.1, into: out, statistics: statistics)
        // Everything is added to what is there.
        let inputGradient = slice(Array(repeating: 2, count: rows * width))
        let weightGradient = slice(Array(repeating: 3, count: width))
        let biasGradient = usesBias ? slice(Array(repeating: 4, count: width)) : nil
        let recomputed = FloatArena(count: rows * width).all
        LayerNorm.backward(
            slice(outGradient), input: slice(x), weight: slice(weight), bias: bias.map(slice),
            statistics: statistics, addingTo: inputGradient, recomputing: recomputed,
            weightGradient: weightGradient, biasGradient: biasGradient)
        expectClose(recomputed, out.array.map(Double.init), within: 1e-6)
        expectClose(inputGradient, slopes(x) { dot(reference($0, weight, bias, 0.1), outGradient) }.map { $0 + 2 })
        expectClose(weightGradient, slopes(weight) { dot(reference(x, $0, bias, 0.1), outGradient) }.map { $0 + 3 })
        if let bias, let biasGradient {
            expectClose(biasGradient, slopes(bias) { dot(reference(x, weight, $0, 0.1), outGradient) }.map { $0 + 4 })
        }
    }
}
