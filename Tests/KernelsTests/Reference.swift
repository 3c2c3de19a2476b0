import Kernels
import Testing

/// Deterministic numbers that look random, between -1 and 1.
func numbers(_ count: Int, seed: UInt64 = 1) -> [Double] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Double(Int64(bitPattern: state) >> 11) * 0x1p-52
    }
}

/// A slice with these numbers as floats.
func slice(_ values: [Double]) -> FloatSlice { FloatArena.holding(values.map { Float($0) }) }

/// The numbers as floats hold them.
func rounded(_ values: [Double]) -> [Double] { values.map { Double(Float($0)) } }

/// Expects every element within `tolerance` of the expected one, relative to the largest expected magnitude.
func expectClose(
    _ found: FloatSlice, _ expected: [Double], within tolerance: Double = 1e-5,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let found = found.array
    #expect(found.count == expected.count, sourceLocation: sourceLocation)
    let scale = max(expected.map(abs).max() ?? 0, 1e-3)
    for (index, pair) in zip(found, expected).enumerated() {
        let difference = abs(Double(pair.0) - pair.1) / scale
        guard difference <= tolerance else {
            Issue.record(
                "element \(index): \(pair.0), expected \(pair.1) (off by \(difference) of \(scale))",
                sourceLocation: sourceLocation)
            return
        }
    }
}

/// Central differences of a scalar function, in double precision.
func slopes(_ point: [Double], _ value: ([Double]) -> Double) -> [Double] {
    point.indices.map { index in
        var (above, below) = (point, point)
        above[index] += 1e-5
        below[index] -= 1e-5
        return (value(above) - value(below)) / 2e-5
    }
}

/// The sum of a · b.
func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
