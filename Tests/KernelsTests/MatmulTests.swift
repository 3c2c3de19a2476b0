import Kernels
import Testing

@Suite struct MatmulTests {
    static let shapes = [
        (1, 1, 1), (1, 5, 3), (1, 130, 77), (2, 4, 8), (3, 9, 65), (17, 33, 31), (64, 64, 32), (65, 96, 128),
        (5, 7, 1),
    ]

    /// A matrix inside a larger one, with garbage around it.
    private func strided(_ values: [Double], rows: Int, columns: Int) -> MatrixView {
        let stride = columns + 3
        let padded = (0..<rows).flatMap { row -> [Double] in
            Array(values[(row * columns)..<((row + 1) * columns)]) + [77, 77, 77]
        }
        return MatrixView(slice(padded), rows: rows, columns: columns, stride: stride)
    }

    private func content(_ view: MatrixView) -> [Double] {
        (0..<view.rows).flatMap { row -> [Double] in
            view.slice[(row * view.stride)..<(row * view.stride + view.columns)].array.map(Double.init)
        }
    }

    @Test(arguments: shapes, [(false, false), (false, true), (true, false), (true, true)])
    func products(shape: (Int, Int, Int), transposed: (Bool, Bool)) {
        let (m, n, k) = shape
        let a = rounded(numbers(m * k, seed: 1))
        let b = rounded(numbers(k * n, seed: 2))
        let start = rounded(numbers(m * n, seed: 3))
        let aView =
            transposed.0
            ? strided(a, rows: k, columns: m).transposed : strided(a, rows: m, columns: k)
        let bView =
            transposed.1
            ? strided(b, rows: n, columns: k).transposed : strided(b, rows: k, columns: n)
        var expected = [Double](repeating: 0, count: m * n)
        for row in 0..<m {
            for column in 0..<n {
                for inner in 0..<k {
                    let left = transposed.0 ? a[inner * m + row] : a[row * k + inner]
                    let right = transposed.1 ? b[column * k + inner] : b[inner * n + column]
                    expected[row * n + column] += left * right
                }
            }
        }
        for accumulate in [false, true] {
            let out = strided(start, rows: m, columns: n)
            Matmul.multiply(aView, bView, into: out, accumulate: accumulate)
            let found = slice(content(out))
            expectClose(found, zip(expected, start).map { accumulate ? $0 + $1 : $0 })
            for row in 0..<(m - 1) { #expect(out.slice[row * out.stride + n] == 77) }
        }
    }

    @Test func theSameProductIsTheSameOnEveryThread() {
        let (m, n, k) = (300, 200, 150)
        let (a, b) = (slice(numbers(m * k)), slice(numbers(n * k, seed: 2)))
        let outs = (0..<8).map { _ in FloatArena(count: m * n).all }
        WorkerPool(workerCount: 3).run(taskCount: 8) { task, _ in
            Matmul.multiply(
                MatrixView(a, rows: m, columns: k), MatrixView(b, rows: n, columns: k).transposed,
                into: MatrixView(outs[task], rows: m, columns: n))
        }
        for out in outs { #expect(out.array == outs[0].array) }
    }

    @Test(arguments: [(1, 1), (3, 50), (16, 16), (37, 18)])
    func transposes(size: (Int, Int)) {
        let (rows, columns) = size
        let values = numbers(rows * columns)
        let out = FloatArena(count: rows * columns).all
        Matmul.transpose(slice(values), rows: rows, into: out)
        expectClose(
            out, (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } }, within: 1e-7)
    }

    @Test func emptyMatricesAreFine() {
        let empty = MatrixView(FloatArena(count: 0).all, rows: 0, columns: 4)
        let b = MatrixView(FloatArena(count: 8).all, rows: 4, columns: 2)
        Matmul.multiply(empty, b, into: MatrixView(FloatArena(count: 0).all, rows: 0, columns: 2))
    }
}
