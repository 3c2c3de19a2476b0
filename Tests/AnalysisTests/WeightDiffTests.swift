import Analysis
import CheckpointFormat
import CheckpointInterop
import Kernels
import OrderedCollections
import TensorCore
import TestSupport
import Testing

@Suite struct WeightDiffTests {
    private let folder: CheckpointFolder
    private let pool = WorkerPool(workerCount: 2)

    init() throws { folder = try CheckpointFolder() }

    private func diff(
        _ base: [SampleTensor], _ policy: [SampleTensor], options: WeightDiff.Options = .init()
    ) throws -> WeightDiff {
        try WeightDiff.compare(
            base: folder.crux("base.crux", base), policy: folder.crux("policy.crux", policy), options: options,
            pool: pool)
    }

    @Test func computesEveryFigure() throws {
        // Δ = 0, 0.5, −1, 0; ‖Δ‖² = 1.25, ‖base‖² = 30, ‖policy‖² = 1 + 6.25 + 4 + 16 = 27.25,
        // base · policy = 1 + 5 + 6 + 16 = 28.
        let report = try diff(
            [SampleTensor("w", [2, 2], [1, 2, 3, 4])], [SampleTensor("w", [2, 2], [1, 2.5, 2, 4])])
        let figures = try #require(report.tensors.first?.figures)
        #expect(figures.elementCount == 4)
        #expect(figures.comparedCount == 4)
        #expect(figures.changeNorm == 1.25.squareRoot())
        #expect(figures.baseNorm == 30.0.squareRoot())
        #expect(figures.policyNorm == 27.25.squareRoot())
        #expect(figures.relativeChange == 1.25.squareRoot() / 30.0.squareRoot())
        #expect(abs((figures.cosine ?? 0) - 28 / (30 * 27.25).squareRoot()) < 1e-15)
        #expect(figures.changeL1 == 1.5)
        let largest = try #require(figures.largestChange)
        #expect(largest.tensor == "w")
        #expect(largest.index == [1, 0])
        #expect([largest.base, largest.policy, largest.magnitude] == [3, 2, 1])
        #expect(figures.changedBitwise == ElementShare(count: 2, total: 4))
        #expect(figures.changedAsBFloat16.share == 0.5)
        #expect(figures.changedBeyondAbsolute.count == 2)
        #expect(figures.changedBeyondRelative.count == 2)
        #expect(report.weights == figures)
        #expect(!report.isIdentical)
        #expect(report.structure.isEmpty)
    }

    @Test func tellsTheToleranceLevelsApart() throws {
        // Against 1: one ulp (bits only), 2e-5 (absolute), 2e-3 (relative), 2⁻⁷ (one step of bf16).
        let base: [Float] = [1, 1, 1, 1, 0, 1000]
        let policy: [Float] = [Float(1).nextUp, 1 + 2e-5, 1 + 2e-3, 1 + 0x1p-7, -0.0, 1000.5]
        let report = try diff([SampleTensor("w", [6], base)], [SampleTensor("w", [6], policy)])
        let figures = try #require(report.weights)
        #expect(figures.changedBitwise.count == 6)
        #expect(figures.changedBeyondAbsolute.count == 4)
        #expect(figures.changedBeyondRelative.count == 2)
        // 1000 and 1000.5 are the same in bf16 (steps of 4), −0 and 0 have one value.
        #expect(figures.changedAsBFloat16.count == 1)
        let wide = WeightDiff.Options(tolerances: ChangeTolerances(absolute: 1, relative: 1))
        let tolerant = try diff([SampleTensor("w", [6], base)], [SampleTensor("w", [6], policy)], options: wide)
        #expect(tolerant.weights?.changedBeyondAbsolute.count == 0)
        #expect(tolerant.tolerances == ChangeTolerances(absolute: 1, relative: 1))
    }

    @Test func countsNaNsAndLeavesThemOut() throws {
        let payload = Float(bitPattern: 0x7FC0_0001)
        let report = try diff(
            [SampleTensor("w", [5], [.nan, 1, 2, .nan, .infinity])],
            [SampleTensor("w", [5], [.nan, .nan, 3, payload, .infinity])])
        let figures = try #require(report.weights)
        #expect(figures.baseNaNCount == 2)
        #expect(figures.policyNaNCount == 3)
        #expect(figures.comparedCount == 2)
        #expect(figures.changedBitwise.count == 3)
        #expect(figures.changeNorm == 1)
        #expect(figures.baseNorm == .infinity)
        #expect(figures.changedAsBFloat16.count == 1)
        #expect(try ReportJSON.encode(report).contains("\"baseNorm\" : \"Infinity\""))
    }

    @Test func anInfinityThatAppearsIsAnInfiniteChange() throws {
        let report = try diff(
            [SampleTensor("w", [2], [1, .infinity])], [SampleTensor("w", [2], [.infinity, -.infinity])])
        #expect(report.weights?.changeNorm == .infinity)
        #expect(report.weights?.largestChange?.index == [0])
        // ∞ / ∞ is no ratio, and infinite vectors have no angle.
        #expect(report.weights?.relativeChange == nil)
        #expect(report.weights?.cosine == nil)
    }

    @Test func zerosHaveNoDirection() throws {
        let zeros = try SampleTensor("w", [2], [0, 0])
        let report = try diff([zeros], [SampleTensor("w", [2], [0, 1])])
        #expect(report.weights?.relativeChange == nil)
        #expect(report.weights?.cosine == nil)
        let same = try WeightDiff.compare(
            base: folder.crux("a", [zeros]), policy: folder.safetensors("b", [zeros]), pool: pool)
        #expect(same.weights?.relativeChange == 0)
        #expect(same.weights?.largestChange == nil)
        #expect(same.isIdentical)
    }

    @Test func reportsStructure() throws {
        let report = try diff(
            [
                SampleTensor("gone", [1], [1]), SampleTensor("shape", [2, 3], [1, 2, 3, 4, 5, 6]),
                SampleTensor("type", [2], [1, 2]), SampleTensor("role", [1], [1]), SampleTensor("same", [1], [1]),
            ],
            [
                SampleTensor("same", [1], [1]), SampleTensor("shape", [3, 2], [1, 2, 3, 4, 5, 6]),
                SampleTensor("type", .bf16, [2], [0x80, 0x3F, 0x40, 0x40]),
                SampleTensor("role", [1], [1], role: .critic), SampleTensor("new", [1], [1]),
            ])
        #expect(report.structure.missing.map(\.name) == ["gone"])
        #expect(report.structure.added.map(\.name) == ["new"])
        #expect(report.structure.reshaped.map(\.policy.shape) == [[3, 2]])
        #expect(report.structure.retyped.map(\.base.name) == ["type"])
        #expect(report.structure.reassigned.map(\.policy.role) == ["critic"])
        #expect(!report.isIdentical)
        // bf16 3 against f32 2; the first element has the same value.
        let type = try #require(report.tensors.first { $0.name == "type" })
        #expect(type.changedBitwise == ElementShare(count: 1, total: 2))
        #expect(type.figures?.changeNorm == 1)
        #expect(!type.isIdentical)
        #expect(report.byRole.map(\.role) == ["weight", "critic"])
    }

    @Test func comparesTypesWithoutValuesBitByBit() throws {
        let report = try diff(
            [
                SampleTensor("i64", .i64, [2], littleEndian([UInt64.max, 1])),
                SampleTensor("q", .q8_0, [64], Array(repeating: 0, count: 68)),
            ],
            [
                SampleTensor("i64", .i64, [2], littleEndian([UInt64.max - 1, 1])),
                SampleTensor("q", .q8_0, [64], Array(repeating: 0, count: 67) + [1]),
            ])
        #expect(report.tensors.map(\.name) == ["i64", "q"])
        #expect(report.tensors.allSatisfy { $0.figures == nil })
        #expect(report.tensors.map(\.changedBitwise.count) == [1, 32])
        #expect(report.weights == nil)
        #expect(!report.isIdentical)
    }

    @Test func aFileEqualsItselfInAnyFormatAndChunking() throws {
        let values = (0..<100_000).map { Float($0) * 0.001 - 50 }
        let tensors = try [
            SampleTensor("h.0.mlp.c_fc.weight", [100, 1000], values), SampleTensor("scalar", [], [1]),
            SampleTensor("empty", [0], []),
        ]
        let fine = try folder.crux("fine", tensors, chunkByteCount: 64)
        let coarse = try folder.crux("coarse", tensors)
        let plain = try folder.safetensors("plain", tensors)
        for (base, policy): (any CheckpointSource, any CheckpointSource) in [
            (fine, coarse), (fine, plain), (plain, coarse), (plain, plain),
        ] {
            let report = try WeightDiff.compare(base: base, policy: policy, pool: pool)
            #expect(report.isIdentical)
            #expect(report.tensors.allSatisfy { $0.isIdentical })
            #expect(report.weights?.changeNorm ?? 0 == 0)
        }
        var changed = values
        changed[54_321] += 1
        let policy = try folder.crux(
            "changed", [SampleTensor("h.0.mlp.c_fc.weight", [100, 1000], changed)] + tensors[1...])
        for base in [fine, plain] as [any CheckpointSource] {
            let report = try WeightDiff.compare(base: base, policy: policy, pool: pool)
            #expect(report.tensors.first?.figures?.largestChange?.index == [54, 321])
            #expect(report.tensors.first?.changedBitwise.count == 1)
            let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs((report.tensors.first?.figures?.baseNorm ?? 0) / norm - 1) < 1e-12)
        }
    }

    @Test func equalDigestsAreNotReadUnlessTheirNormIsNeeded() throws {
        let tensors = try [
            SampleTensor("a", [64], Array(repeating: 2, count: 64)), SampleTensor("b", [4], [1, 2, 3, 4]),
        ]
        let base = try folder.crux("base", tensors)
        let before = base.reader.file.readByteCount
        let same = try WeightDiff.compare(base: base, policy: folder.crux("same", tensors), pool: pool)
        #expect(same.isIdentical)
        #expect(base.reader.file.readByteCount == before)
        #expect(same.weights == nil)
        let policy = try folder.crux("other", [tensors[0], SampleTensor("b", [4], [1, 2, 3, 5])])
        let other = try WeightDiff.compare(base: base, policy: policy, pool: pool)
        #expect(other.weights?.baseNorm == (256.0 + 30).squareRoot())
        #expect(other.weights?.elementCount == 68)
        #expect(other.weights?.relativeChange == 1 / 286.0.squareRoot())
        #expect(other.tensors.map(\.name) == ["b", "a"])
        #expect(other.tensors[1].isIdentical)
    }

    @Test func groupsByLayerAndKind() throws {
        let names = [
            "wte.weight", "h.0.ln_1.weight", "h.0.attn.c_attn.weight", "h.1.mlp.c_fc.weight", "h.0.attn.c_proj.weight",
        ]
        let base = try names.map { try SampleTensor($0, [1], [1]) } + [SampleTensor("m", [1], [1], role: .firstMoment)]
        let policy =
            try names.enumerated().map { try SampleTensor($1, [1], [1 + Float($0)]) } + [
                SampleTensor("m", [1], [9], role: .firstMoment)
            ]
        let report = try diff(base, policy)
        #expect(
            report.byLayer.map(\.place.kind) == [.attention, .norm, .mlp, .embedding])
        #expect(report.byLayer.map(\.place.layer) == [0, 0, 1, nil])
        #expect(report.byLayer[0].figures?.changeNorm == 20.0.squareRoot())
        #expect(report.byLayer[0].tensorCount == 2)
        #expect(report.byKind.map(\.kind) == [.embedding, .attention, .mlp, .norm])
        #expect(report.byKind[0].changedTensorCount == 0)
        #expect(report.weights?.elementCount == 5)
        #expect(report.byRole.map(\.role) == ["weight", "first moment"])
        #expect(report.tensors.map(\.name).first == "m")
        let weightsOnly = try diff(base, policy, options: WeightDiff.Options(roles: [.weight]))
        #expect(weightsOnly.tensors.count == 5)
    }

    @Test func comparesMetadataAndConfiguration() throws {
        let base = try folder.crux(
            "base", [],
            metadata: [
                "crux.step": .uint64(0), "crux.configuration": .string("a: 1\nb: 2\nc: 3\n"), "gone": .bool(true),
                "same": .string("x"),
            ])
        let policy = try folder.crux(
            "policy", [],
            metadata: [
                "crux.step": .uint64(10), "crux.configuration": .string("a: 1\nb: 5\nc: 3\nd: 4\n"),
                "new": .array(MetadataArray(["a"])), "same": .string("x"),
            ])
        let report = try WeightDiff.compare(base: base, policy: policy, pool: pool)
        #expect(report.metadata.map(\.key) == ["crux.step", "gone", "new"])
        #expect(report.metadata.map(\.base) == ["0", "true", nil])
        #expect(report.metadata.map(\.policy) == ["10", nil, "[\"a\"]"])
        #expect(report.configuration.map(\.text) == ["b: 2", "b: 5", "d: 4"])
        #expect(report.configuration.map(\.line) == [2, 2, 4])
        #expect(report.configuration.map(\.side) == [.base, .policy, .policy])
        #expect(!report.isIdentical)
        #expect(try WeightDiff.compare(base: base, policy: base, pool: pool).isIdentical)
    }

    @Test func doesNotDependOnTheWorkers() throws {
        let base = try (0..<9).map { index in
            try SampleTensor("t\(index)", [1000 + index], (0..<1000 + index).map { Float($0 % 17) * 0.37 })
        }
        let policy = try (0..<9).map { index in
            try SampleTensor("t\(index)", [1000 + index], (0..<1000 + index).map { Float($0 % 13) * 0.31 })
        }
        let one = try WeightDiff.compare(
            base: folder.crux("a", base), policy: folder.crux("b", policy), pool: WorkerPool(workerCount: 1))
        let two = try WeightDiff.compare(
            base: folder.crux("a", base), policy: folder.crux("b", policy), pool: pool)
        #expect(one == two)
    }

    @Test func damageIsAnError() throws {
        let values = (0..<100).map(Float.init)
        let base = try folder.crux("a", [SampleTensor("w", [100], values)], codec: .raw)
        let policy = try folder.crux("b", [SampleTensor("w", [100], values.map { $0 + 1 })], codec: .raw)
        let range = try #require(policy.reader.tensor(named: "w")?.byteRange)
        var bytes = try policy.path.readBytes()
        bytes[range.lowerBound] ^= 1
        try policy.path.writeBytes(bytes)
        let error = #expect(throws: CheckpointError.self) {
            try WeightDiff.compare(base: base, policy: CruxSource(path: policy.path), pool: pool)
        }
        #expect(error?.place.tensor == "w")
    }
}
