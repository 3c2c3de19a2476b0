import Foundation
import Kernels
import Testing

@Suite struct AttentionTests {
    /// Causal attention of packed sequences in double precision: [M, 3C] to [M, C].
    private func reference(_ qkv: [Double], _ starts: [Int], width: Int, heads: Int) -> [Double] {
        let size = width / heads
        var out = [Double](repeating: 0, count: qkv.count / 3)
        for (start, end) in zip(starts, starts.dropFirst()) {
            for head in 0..<heads {
                func element(_ row: Int, _ part: Int, _ d: Int) -> Double {
                    qkv[row * 3 * width + part * width + head * size + d]
                }
                for row in start..<end {
                    let scores = (start...row).map { key in
                        (0..<size).reduce(0) { $0 + element(row, 0, $1) * element(key, 1, $1) }
                            / Double(size).squareRoot()
                    }
                    let maximum = scores.max() ?? 0
                    let weights = scores.map { exp($0 - maximum) }
                    let total = weights.reduce(0, +)
                    for d in 0..<size {
                        out[row * width + head * size + d] =
                            zip(weights, start...row).reduce(0) { $0 + $1.0 * element($1.1, 2, d) } / total
                    }
                }
            }
        }
        return out
    }

    private func forward(
        _ qkv: FloatSlice, _ starts: [Int], _ shape: CausalAttention.Shape
    ) -> (out: FloatSlice, logSumExp: FloatSlice, scratch: FloatSlice) {
        let rows = qkv.count / (3 * shape.width)
        let scratch = FloatArena(
            count: CausalAttention.scratchCount(maximumSequenceLength: rows, headSize: shape.headSize)
        ).all
        let logSumExp = FloatArena(count: rows * shape.headCount).all
        let out = FloatArena(count: rows * shape.width).all
        CausalAttention.forward(
            qkv, sequenceStarts: starts, shape: shape, scratch: scratch, logSumExp: logSumExp, into: out)
        return (out, logSumExp, scratch)
    }

    // One row; less than a block of queries; just over one; several; an empty sequence among them.
    @Test(arguments: [[0, 1], [0, 5, 5, 12], [0, 65], [0, 64, 194, 195]], [(6, 1), (6, 3), (32, 2)])
    func forwardMatches(starts: [Int], size: (Int, Int)) {
        let shape = CausalAttention.Shape(width: size.0, headCount: size.1)
        let qkv = rounded(numbers((starts.last ?? 0) * 3 * size.0).map { 2 * $0 })
        let (out, _, _) = forward(slice(qkv), starts, shape)
        expectClose(out, reference(qkv, starts, width: size.0, heads: size.1))
    }

    @Test(arguments: [[0, 1], [0, 5, 5, 12], [0, 66, 67]], [(6, 1), (4, 2)])
    func backwardMatches(starts: [Int], size: (Int, Int)) {
        let shape = CausalAttention.Shape(width: size.0, headCount: size.1)
        let rows = starts.last ?? 0
        let qkv = rounded(numbers(rows * 3 * size.0).map { 2 * $0 })
        let outGradient = rounded(numbers(rows * size.0, seed: 2))
        let input = slice(qkv)
        let (out, logSumExp, scratch) = forward(input, starts, shape)
        let gradient = slice(Array(repeating: 99, count: qkv.count))  // overwritten, not added to
        CausalAttention.backward(
            slice(outGradient), out: out, queriesKeysValues: input, sequenceStarts: starts, shape: shape,
            scratch: scratch, logSumExp: logSumExp, into: gradient)
        expectClose(
            gradient,
            slopes(qkv) { dot(reference($0, starts, width: size.0, heads: size.1), outGradient) }, within: 2e-5)
    }

    @Test(arguments: [(6, 2), (32, 1), (128, 2), (96, 2)])
    func cachedAttentionMatchesTheWholeSequence(size: (Int, Int)) {
        let (width, heads) = size
        let shape = CausalAttention.Shape(width: width, headCount: heads)
        let count = 71
        let qkv = rounded(numbers(count * 3 * width).map { 2 * $0 })
        let input = slice(qkv)
        let cache = KeyValueCache(layerCount: 2, slotCount: 3, capacity: count, shape: shape)
        let out = FloatArena(count: count * width).all
        // Another sequence was in the slot before; its floats beyond the end must not matter.
        cache.store(slice(Array(repeating: .nan, count: 71 * 3 * width)), layer: 1, slot: 2, first: 0)
        cache.store(input[0..<(9 * 3 * width)], layer: 1, slot: 2, first: 0)
        for row in 0..<count {
            let token = input[(row * 3 * width)..<((row + 1) * 3 * width)]
            if row >= 9 { cache.store(token, layer: 1, slot: 2, first: row) }
            cache.attend(
                token, layer: 1, slot: 2, count: row + 1,
                into: out[(row * width)..<((row + 1) * width)])
        }
        expectClose(out, reference(qkv, [0, count], width: width, heads: heads))
    }

    @Test func largeScoresDoNotOverflow() {
        let shape = CausalAttention.Shape(width: 2, headCount: 1)
        let qkv = (0..<6).flatMap { row -> [Double] in
            [100, 100, 100 * Double(row % 2), 100, Double(row), 1]
        }
        let (out, _, _) = forward(slice(qkv), [0, 6], shape)
        expectClose(out, reference(qkv, [0, 6], width: 2, heads: 1))
    }

    @Test func aNaNReachesOnlyTheRowsThatSeeIt() {
        let shape = CausalAttention.Shape(width: 2, headCount: 1)
        var qkv = numbers(10 * 6)
        qkv[4 * 6 + 2] = .nan  // the key of row 4
        let (out, _, _) = forward(slice(qkv), [0, 8, 10], shape)
        for row in 0..<10 { #expect(out[2 * row].isNaN == (4..<8).contains(row), "row \(row)") }
    }
}
