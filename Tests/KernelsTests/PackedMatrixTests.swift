import Kernels
import Testing

@Suite struct PackedMatrixTests {
    private func packed(_ weight: [Double], n: Int, k: Int) -> PackedMatrix {
        let storage = FloatArena(count: PackedMatrix.floatCount(outputCount: n, inputCount: k)).all
        storage.fill(.nan)
        let matrix = PackedMatrix(outputCount: n, inputCount: k, storage: storage)
        matrix.pack(slice(weight))
        return matrix
    }

    @Test(arguments: [(1, 1), (5, 3), (16, 16), (19, 24), (96, 128), (130, 77), (500, 40)], [false, true])
    func products(size: (Int, Int), hasBias: Bool) {
        let (n, k) = size
        let weight = rounded(numbers(n * k, seed: 2))
        let bias = rounded(numbers(n, seed: 3))
        let matrix = packed(weight, n: n, k: k)
        for m in 0...20 {
            let input = rounded(numbers(m * k))
            var expected = [Double](repeating: 0, count: m * n)
            for row in 0..<m {
                for column in 0..<n {
                    expected[row * n + column] =
                        (0..<k).reduce(hasBias ? bias[column] : 0) {
                            $0 + input[row * k + $1] * weight[column * k + $1]
                        }
                }
            }
            let out = FloatArena(count: m * n).all
            matrix.multiply(slice(input), addingBias: hasBias ? slice(bias) : nil, into: out, pool: nil)
            expectClose(out, expected)
        }
    }

    @Test func aRowDependsNeitherOnOtherRowsNorOnTheWorkers() {
        let (n, k) = (500, 75)  // columns that fill no whole number of pieces or panels
        let matrix = packed(numbers(n * k, seed: 2), n: n, k: k)
        let (bias, input) = (slice(numbers(n, seed: 3)), slice(numbers(23 * k)))
        let alone = (0..<23).flatMap { row in
            let out = FloatArena(count: n).all
            matrix.multiply(input[(row * k)..<((row + 1) * k)], addingBias: bias, into: out, pool: nil)
            return out.array
        }
        for m in 1...23 {
            for workers in [1, 3] {
                let out = FloatArena(count: m * n).all
                matrix.multiply(
                    input.prefix(m * k), addingBias: bias, into: out, pool: WorkerPool(workerCount: workers))
                #expect(out.array == Array(alone.prefix(m * n)), "\(m) rows, \(workers) workers")
            }
        }
    }
}
