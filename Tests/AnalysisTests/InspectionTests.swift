import Analysis
import CheckpointFormat
import CheckpointInterop
import Kernels
import OrderedCollections
import TensorCore
import TestSupport
import Testing

@Suite struct InspectionTests {
    private let folder: CheckpointFolder
    private let pool = WorkerPool(workerCount: 2)

    init() throws { folder = try CheckpointFolder() }

    private func statistics(_ tensor: SampleTensor, binCount: Int = 16) throws -> TensorStatistics {
        let inspection = try Inspection.inspect(
            folder.crux("a", [tensor]), options: .init(computesStatistics: true, histogramBinCount: binCount),
            pool: pool)
        return try #require(inspection.tensors.first?.statistics)
    }

    @Test func computesEveryStatistic() throws {
        let statistics = try statistics(
            SampleTensor("w", [9], [.nan, -2, 0, -0.0, 4, .infinity, -.infinity, 6, 2]), binCount: 4)
        #expect(statistics.elementCount == 9)
        #expect(statistics.finiteCount == 6)
        #expect(statistics.nanCount == 1)
        #expect(statistics.infinityCount == 2)
        #expect(statistics.zeroCount == 2)
        #expect(statistics.minimum == -2)
        #expect(statistics.maximum == 6)
        #expect(abs((statistics.mean ?? 0) - 10.0 / 6) < 1e-12)
        // Σ x² / n − mean² = 60 / 6 − (10/6)²
        #expect(abs((statistics.standardDeviation ?? 0) - (10 - 100.0 / 36).squareRoot()) < 1e-12)
        #expect(statistics.norm == 60.0.squareRoot())
        // Bins of width 2 from −2: [−2, 0), [0, 2), [2, 4), [4, 6].
        #expect(statistics.histogram.counts == [1, 2, 1, 2])
        #expect([statistics.histogram.lowerBound, statistics.histogram.upperBound] == [-2, 6])
    }

    @Test func statisticsOfNothingAreNil() throws {
        for tensor in try [SampleTensor("w", [0], []), SampleTensor("w", [1], [.nan])] {
            let statistics = try statistics(tensor)
            #expect(statistics.minimum == nil && statistics.mean == nil && statistics.standardDeviation == nil)
            #expect(statistics.histogram.counts == Array(repeating: 0, count: 16))
        }
        let inspection = try Inspection.inspect(
            folder.crux("a", [SampleTensor("i", .i64, [1], Array(repeating: 0, count: 8))]),
            options: .init(computesStatistics: true), pool: pool)
        #expect(inspection.tensors.first?.statistics == nil)
    }

    @Test func theDeviationSurvivesALargeMean() throws {
        // Around 10⁶, single sums of squares would lose most digits; 20,000 values make several runs.
        let values = (0..<20_000).map { 1_000_000 + Float($0 % 2) }
        let statistics = try statistics(SampleTensor("w", [20_000], values))
        #expect(abs((statistics.standardDeviation ?? 0) - 0.5) < 1e-9)
        #expect(statistics.histogram.counts.first == 10_000)
        #expect(statistics.histogram.counts.last == 10_000)
    }

    @Test func extremesDoNotOverflowTheHistogram() throws {
        let bits = [Double.greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0].map(\.bitPattern)
        let statistics = try statistics(SampleTensor("w", .f64, [3], littleEndian(bits)), binCount: 2)
        #expect(statistics.histogram.counts == [1, 2])
        let constant = try self.statistics(SampleTensor("w", [3], [5, 5, 5]))
        #expect(constant.histogram.counts == [3] + Array(repeating: 0, count: 15))
    }

    @Test func describesACheckpoint() throws {
        let tensors = try [
            SampleTensor("wte.weight", [100, 50], Array(repeating: 1, count: 5000)),
            SampleTensor("half", .bf16, [2], [0x80, 0x3F, 0x40, 0x40]),
            SampleTensor("m", [4], [1, 2, 3, 4], role: .firstMoment),
        ]
        let source = try folder.crux(
            "a.crux", tensors,
            metadata: [
                "crux.kind": .string("policy"), "crux.step": .uint64(7), "lineage.reference": .string("00ff"),
                "tokenizer.model": .string("character"), "tokenizer.vocabulary": .array(MetadataArray(["a", "b"])),
                "numbers": .array(
                    try #require(MetadataArray(elementType: .uint8, elements: (0..<20).map { .uint8($0) }))),
            ])
        let inspection = try Inspection.inspect(source, pool: pool)
        #expect(inspection.schemaVersion == 1)
        #expect(inspection.checkpoint.kind == "policy")
        #expect(inspection.checkpoint.step == 7)
        #expect(inspection.checkpoint.format == .crux)
        #expect(inspection.weightsDigest == source.reader.weightsDigest)
        #expect(inspection.checkpoint.weightsDigest == source.reader.weightsDigest)
        #expect(inspection.contentByteCount == 20_000 + 4 + 16)
        #expect(inspection.storedByteCount < 1000)
        #expect(inspection.parameterCount == 5002)
        #expect(inspection.roles.map(\.name) == ["weight", "first moment"])
        #expect(inspection.roles.map(\.elementCount) == [5002, 4])
        #expect(inspection.dtypes.map(\.name) == ["F32", "BF16"])
        #expect(inspection.tensors.map(\.name) == ["wte.weight", "half", "m"])
        #expect(inspection.tensors[0].statistics == nil)
        #expect(inspection.tokenizer?.vocabulary == ["a", "b"])
        #expect(inspection.lineage.reference == "00ff")
        #expect(inspection.lineage.parent == nil)
        #expect(
            inspection.metadata.map(\.key) == [
                "crux.kind", "crux.step", "lineage.reference", "tokenizer.model", "numbers",
            ])
        #expect(inspection.metadata.last?.type == "array of uint8")
        #expect(
            inspection.metadata.last?.value == "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, … (20 in all)]")
    }

    @Test func theSameWeightsHaveOneDigestInEveryFormat() throws {
        let tensors = try [SampleTensor("b", [2], [1, 2]), SampleTensor("a", [1], [3])]
        let crux = try Inspection.inspect(folder.crux("a", tensors), pool: pool)
        let plain = try Inspection.inspect(folder.safetensors("b", tensors), pool: pool)
        #expect(crux.weightsDigest != nil)
        #expect(crux.weightsDigest == plain.weightsDigest)
        #expect(Set(crux.tensors.map(\.digest)) == Set(plain.tensors.map(\.digest)))
        #expect(plain.checkpoint.weightsDigest == nil)
        let quick = try Inspection.inspect(
            folder.safetensors("b", tensors), options: .init(computesDigests: false), pool: pool)
        #expect(quick.weightsDigest == nil)
    }
}
