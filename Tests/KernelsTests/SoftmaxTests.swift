import Foundation
import Kernels
import Testing

@Suite struct SoftmaxTests {
    private func logSoftmax(_ row: some Sequence<Double>, _ temperature: Double = 1) -> [Double] {
        let scaled = row.map { $0 / temperature }
        let maximum = scaled.max() ?? 0
        let shift = maximum + log(scaled.reduce(0) { $0 + exp($1 - maximum) })
        return scaled.map { $0 - shift }
    }

    @Test(arguments: [(1, 2), (3, 19), (4, 96), (2, 1000)], [0.5, 1, 2])
    func logProbabilities(size: (Int, Int), temperature: Double) {
        let (rows, width) = size
        let logits = rounded(numbers(rows * width).map { 20 * $0 })
        let out = FloatArena(count: rows * width).all
        Softmax.logProbabilities(slice(logits), width: width, temperature: Float(temperature), into: out)
        expectClose(
            out, (0..<rows).flatMap { logSoftmax(logits[($0 * width)..<(($0 + 1) * width)], temperature) },
            within: 2e-6)
        let inPlace = slice(logits)
        Softmax.logProbabilities(inPlace, width: width, temperature: Float(temperature), into: inPlace)
        #expect(inPlace.array == out.array)
    }

    @Test(arguments: [5, 96])
    func crossEntropy(width: Int) {
        let logits = rounded(numbers(4 * width).map { 3 * $0 })
        let targets: [Int32] = [0, -1, Int32(width - 1), 2]
        let (losses, gradient) = (FloatArena(count: 4).all, FloatArena(count: 4 * width).all)
        Softmax.crossEntropy(slice(logits), targets: targets.span, scale: 0.5, losses: losses, gradient: gradient)
        func loss(_ logits: [Double]) -> [Double] {
            targets.enumerated().map { row, target in
                target < 0 ? 0 : -logSoftmax(logits[(row * width)..<((row + 1) * width)])[Int(target)]
            }
        }
        expectClose(losses, loss(logits))
        expectClose(gradient, slopes(logits) { loss($0).reduce(0, +) / 2 })
        let only = FloatArena(count: 4).all
        Softmax.crossEntropy(slice(logits), targets: targets.span, scale: 1, losses: only, gradient: nil)
        #expect(only.array == losses.array)
    }

    @Test func exponentialIsAccurateOverItsRange() {
        // Through the softmax of pairs (0, x): log p = x - log(1 + e^x).
        let points = stride(from: -86.0, through: 86, by: 0.37).map { $0 }
        let logits = slice(points.flatMap { [0, $0] })
        let out = FloatArena(count: logits.count).all
        Softmax.logProbabilities(logits, width: 2, into: out)
        for (index, x) in points.enumerated() {
            let x = Double(Float(x))
            let expected = x - (x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
            #expect(abs(Double(out[2 * index + 1]) - expected) <= 2e-7 * max(1.5, abs(x)))
        }
    }

    @Test func notANumberGoesThrough() {
        let out = FloatArena(count: 40).all
        var values = [Float](repeating: 0, count: 40)
        values[17] = .nan
        Softmax.logProbabilities(FloatArena.holding(values), width: 20, into: out)
        #expect(out.array.prefix(20).allSatisfy { $0.isNaN })
        #expect(out.array.suffix(20).allSatisfy { $0.isFinite })
    }
}
