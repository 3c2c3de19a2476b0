import Analysis
import Kernels
import TensorCore
import TestSupport
import Testing

@Suite("Spectra and steps of a weight diff") struct SpectralDiffTests {
    private let folder: CheckpointFolder
    private let pool = WorkerPool(workerCount: 2)

    init() throws { folder = try CheckpointFolder() }

    private func measure(
        _ shape: Shape, _ base: [Float], _ policy: [Float], options: SpectralDiff.Options = .init()
    ) throws -> SpectralDiff {
        let sources = try (
            folder.crux("base.crux", [SampleTensor("w", shape, base)]),
            folder.crux("policy.crux", [SampleTensor("w", shape, policy)])
        )
        let diff = try WeightDiff.compare(base: sources.0, policy: sources.1, pool: pool)
        return try SpectralDiff.measure(diff, base: sources.0, policy: sources.1, options: options, pool: pool)
    }

    @Test("A diagonal change has its entries as singular values, tall or wide", arguments: [false, true])
    func diagonal(isWide: Bool) throws {
        // W = diag(4, 3, 2), Δ = diag(1, 0.5, 0) in a 3 × 4 or 4 × 3 matrix.
        let shape: Shape = isWide ? [3, 4] : [4, 3]
        func matrix(_ diagonal: [Float]) -> [Float] {
            var values = [Float](repeating: 0, count: 12)
            for (index, value) in diagonal.enumerated() { values[index * (isWide ? 4 : 3) + index] = value }
            return values
        }
        let spectrum = try #require(
            try measure(shape, matrix([4, 3, 2]), matrix([5, 3.5, 2]), options: .init(subspaceShare: 0.1)).tensors.first
        )
        func isNear(_ values: [Double], _ expected: [Double]) -> Bool {
            values.count == expected.count && zip(values, expected).allSatisfy { abs($0 - $1) < 1e-7 }
        }
        #expect(isNear(spectrum.changeValues, [1, 0.5, 0]))
        #expect(isNear(spectrum.baseValues, [4, 3, 2]))
        #expect(abs(spectrum.stableRank - 1.25) < 1e-9)
        // p = 2/3, 1/3: exp(entropy) = 3 / 2^(2/3).
        #expect(abs(spectrum.effectiveRank - 1.889_881_574_842_31) < 1e-6)
        #expect(spectrum.rankOf99Percent == 2)
        #expect(spectrum.subspaceRank == 1)
        #expect(abs(spectrum.subspaceShare - 0.8) < 1e-6)
        #expect(abs(spectrum.subspaceShareOfChance - 1.0 / 12) < 1e-12)
        // σ moved by (1, 0.5, 0) from (4, 3, 2).
        #expect(abs((spectrum.spectralShift ?? 0) - (1.25 / 29.0).squareRoot()) < 1e-9)
    }

    @Test("A change of rank one is seen as one, at a size that needs every step of the solver")
    func rankOne() throws {
        let (rows, columns) = (40, 24)
        var generator = SeededGenerator(seed: 5)
        let base = (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &generator) }
        let left = (0..<rows).map { Float($0 % 5) - 2 }
        let right = (0..<columns).map { Float($0 % 3) - 1 }
        let policy = base.indices.map { base[$0] + left[$0 / columns] * right[$0 % columns] }
        let spectrum = try #require(try measure([rows, columns], base, policy).tensors.first)
        let norm = left.reduce(0) { $0 + $1 * $1 }.squareRoot() * right.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs((spectrum.changeValues.first ?? 0) - Double(norm)) < 1e-4)
        #expect(spectrum.changeValues.dropFirst().allSatisfy { $0 < 1e-4 })
        #expect(spectrum.rankOf99Percent == 1)
        let squares = spectrum.baseValues.reduce(0.0) { $0 + $1 * $1 }
        let expected = base.reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect(abs(squares - expected) < 1e-9 * expected)
    }

    /// A matrix whose singular values are `value(i)`, up to the error of random directions that are not quite orthogonal,
    /// plus noise in every direction.
    private func matrix(
        _ rows: Int, _ columns: Int, seed: UInt64, noise: Float, count: Int, value: (Int) -> Float
    ) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        func direction(_ length: Int) -> [Float] {
            let values = (0..<length).map { _ in Float.random(in: -1...1, using: &generator) }
            let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return values.map { $0 / norm }
        }
        var values = (0..<rows * columns).map { _ in noise * Float.random(in: -1...1, using: &generator) }
        for index in 0..<count {
            let (left, right) = (direction(rows), direction(columns))
            for row in 0..<rows {
                for column in 0..<columns { values[row * columns + column] += value(index) * left[row] * right[column] }
            }
        }
        return values
    }

    @Test(
        "Random projection finds what the exact solution finds, for spectra that fall off and flat ones",
        arguments: [(90, 70, Float(0), 1e-4), (70, 90, 0.01, 5e-3), (80, 80, 0.5, 0.05)] as [(Int, Int, Float, Double)])
    func randomised(rows: Int, columns: Int, noise: Float, tolerance: Double) throws {
        let base = matrix(rows, columns, seed: 1, noise: noise, count: 12) { 8 / Float($0 + 1) }
        let change = matrix(rows, columns, seed: 2, noise: noise / 10, count: 6) { 0.5 / Float($0 + 1) }
        let policy = zip(base, change).map(+)
        func spectrum(_ options: SpectralDiff.Options) throws -> TensorSpectrum {
            try #require(
                try measure(Shape([rows, columns]), base, policy, options: options).tensors.first)
        }
        let exact = try spectrum(.init())
        let found = try spectrum(.init(exactSide: 16, randomisedRank: 10))
        #expect(exact.method == .exact)
        #expect(found.method == .randomised)
        #expect(found.changeValues.count == 10)
        let pairs = zip(
            found.changeValues + found.baseValues, exact.changeValues.prefix(10) + exact.baseValues.prefix(10))
        let scale = exact.changeValues[0]
        for (value, truth) in pairs {
            #expect(value <= truth * (1 + 1e-5) + 1e-6 * scale)
            #expect(value >= truth * (1 - tolerance) - 1e-6 * scale, "\(value), exactly \(truth)")
        }
        #expect(found.leastEffectiveRank <= exact.effectiveRank * (1 + tolerance))
        #expect(found.effectiveRank >= exact.effectiveRank * (1 - tolerance))
        #expect(abs(found.stableRank - exact.stableRank) < 2.1 * tolerance * exact.stableRank + 1e-5)
        #expect(abs(found.subspaceShare - exact.subspaceShare) < max(0.002, tolerance))
        #expect(found.subspaceRank == exact.subspaceRank)
        let again = try spectrum(.init(exactSide: 16, randomisedRank: 10))
        #expect(again == found)
    }

    @Test("What has no spectrum is named with its reason")
    func skipped() throws {
        let large = try measure(
            [3, 3], Array(repeating: 0, count: 9), Array(repeating: 1, count: 9),
            options: .init(largestElementCount: 8))
        #expect(large.tensors.isEmpty)
        #expect(large.skipped.map(\.reason) == ["its 9 elements are over 8"])
        let broken = try measure([2, 2], [0, 0, 0, 0], [.nan, 0, 0, 1])
        #expect(broken.skipped.map(\.name) == ["w"])
        #expect(try measure([2, 2], [1, 2, 3, 4], [1, 2, 3, 4]).tensors.isEmpty)
    }

    @Test("Elements are counted by the steps of their type")
    func steps() throws {
        let base: [Float] = [1, 1, 1, -0.0, .nan, -1]
        let policy: [Float] = [1, Float(1).nextUp, Float(1).nextUp.nextUp.nextUp, 0, 1, Float(-1).nextDown]
        let report = try WeightDiff.compare(
            base: folder.crux("base.crux", [SampleTensor("w", [6], base)]),
            policy: folder.crux("policy.crux", [SampleTensor("w", [6], policy)]), pool: pool)
        // 0 steps: the first and −0; 1 step: two; 3 steps: one; the NaN: none.
        #expect(report.weights?.stepHistogram == [2, 2, 1])
        let bits: ([UInt16], [UInt16]) = ([0x3F80, 0x3F80], [0x3F81, 0x3F84])
        let half = try WeightDiff.compare(
            base: folder.crux("base.crux", [SampleTensor("w", .bf16, [2], littleEndian(bits.0))]),
            policy: folder.crux("policy.crux", [SampleTensor("w", .bf16, [2], littleEndian(bits.1))]), pool: pool)
        #expect(half.weights?.stepHistogram == [0, 1, 0, 1])
        #expect(half.weights?.largestChange?.index == [1])
    }

    @Test("Steps and changed bits of any patterns are those counted one by one", arguments: [DType.f32, .f16, .bf16])
    func stepsOfAnyPattern(dtype: DType) throws {
        let bitWidth = dtype == .f32 ? 32 : 16
        let infinity: Int64 = [.f32: 0x7F80_0000, .f16: 0x7C00, .bf16: 0x7F80][dtype] ?? 0
        let sign = Int64(1) << (bitWidth - 1)
        var generator = SeededGenerator(seed: 8)
        var (base, policy): ([UInt32], [UInt32]) = ([], [])
        for index in 0..<20_011 {
            let pattern = UInt32.random(in: .min ... .max, using: &generator) >> (32 - UInt32(bitWidth))
            let step = UInt32(1) << UInt32.random(in: 0..<UInt32(bitWidth), using: &generator)
            base.append(pattern)
            policy.append([pattern, pattern &+ step, pattern ^ UInt32(sign), pattern &- step / 2 &- 1][index % 4])
        }
        // From one infinity to the other, the farthest.
        base.append(UInt32(infinity | sign))
        policy.append(UInt32(infinity))
        let words = { (patterns: [UInt32]) in
            dtype == .f32 ? littleEndian(patterns) : littleEndian(patterns.map { UInt16(truncatingIfNeeded: $0) })
        }
        if dtype != .f32 { policy = policy.map { $0 & 0xFFFF } }
        let report = try WeightDiff.compare(
            base: folder.crux("base", [SampleTensor("w", dtype, [base.count], words(base))], chunkByteCount: 4160),
            policy: folder.crux("policy", [SampleTensor("w", dtype, [base.count], words(policy))]), pool: pool)

        func ordered(_ pattern: UInt32) -> Int64? {
            let magnitude = Int64(pattern) & (sign - 1)
            if magnitude > infinity { return nil }
            return Int64(pattern) & sign == 0 ? magnitude : -magnitude
        }
        var histogram = [Int](repeating: 0, count: 34)
        for (from, to) in zip(base.map(ordered), policy.map(ordered)) {
            guard let from, let to else { continue }
            histogram[64 - (from - to).magnitude.leadingZeroBitCount] += 1
        }
        #expect(report.weights?.stepHistogram == Array(histogram[...(histogram.lastIndex { $0 > 0 } ?? 0)]))
        #expect(report.weights?.changedBitwise.count == zip(base, policy).count { $0 != $1 })
    }
}
