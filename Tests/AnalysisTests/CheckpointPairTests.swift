import Analysis
import CheckpointFormat
import CheckpointInterop
import Kernels
import OrderedCollections
import TensorCore
import TestSupport
import Testing

@Suite("Checkpoints under different names") struct CheckpointPairTests {
    private let folder: CheckpointFolder
    private let pool = WorkerPool(workerCount: 2)

    init() throws { folder = try CheckpointFolder() }

    /// One block with C = 4 and V = 5, under a tool's names and orientation; `moved` is added to one element.
    private func model(_ naming: GPT2Naming, moved: Float = 0, biases: Bool = false) throws -> [SampleTensor] {
        let modules: [(GPT2Parameter.Module, Int, Int)] = [
            (.tokenEmbedding, 5, 4), (.positionEmbedding, 6, 4), (.attention, 12, 4), (.attentionProjection, 4, 4),
            (.expansion, 16, 4), (.contraction, 4, 16),
        ]
        return try modules.flatMap { module, rows, columns in
            let parameter = try #require(GPT2Parameter(module, block: module.isInBlock ? 0 : nil))
            var values = (0..<rows * columns).map { Float($0 % 13) - 6 + Float(rows) / 64 }
            if module == .expansion { values[7] += moved }
            var shape: Shape = [rows, columns]
            if naming.isTransposed(parameter) {
                values = (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } }
                shape = [columns, rows]
            }
            var tensors = [try SampleTensor(naming.name(of: parameter), shape, values)]
            if biases, let bias = GPT2Parameter(module, block: parameter.block, .bias) {
                tensors.append(
                    try SampleTensor(naming.name(of: bias), [rows], [Float](repeating: 0, count: rows)))
            }
            return tensors
        }
    }

    @Test("The same model is the same under any two tools' names", arguments: GPT2Naming.allCases, GPT2Naming.allCases)
    func same(base: GPT2Naming, policy: GPT2Naming) throws {
        let diff = try WeightDiff.compare(
            base: folder.safetensors("a.safetensors", model(base)), policy: folder.crux("b.crux", model(policy)),
            pool: pool)
        #expect(diff.structure.isEmpty)
        #expect(diff.tensors.count == 6)
        #expect(diff.tensors.allSatisfy { $0.isIdentical })
        #expect((diff.mapping == nil) == (base == policy))
        if base != policy {
            #expect(diff.mapping?.base.naming == base)
            #expect(diff.mapping?.policy.transposedCount == (policy == .huggingFace ? 4 : 0))
        }
    }

    @Test("A change is found at its place, whichever way the matrix lies")
    func moved() throws {
        let base = try folder.safetensors("a.safetensors", model(.huggingFace))
        let policy = try folder.crux("b.crux", model(.llamaCpp, moved: 2))
        let diff = try WeightDiff.compare(base: base, policy: policy, pool: pool)
        let largest = try #require(diff.weights?.largestChange)
        #expect(largest.tensor == "h.0.mlp.c_fc.weight")
        #expect(largest.index == [1, 3])
        #expect(largest.magnitude == 2)
        let spectra = try SpectralDiff.measure(diff, base: base, policy: policy, pool: pool)
        let spectrum = try #require(spectra.tensors.first)
        #expect(spectra.tensors.count == 1)
        #expect(spectrum.name == "h.0.mlp.c_fc.weight")
        #expect(abs(spectrum.changeValues[0] - 2) < 1e-6)
    }

    @Test("A tied head, causal masks and biases of zeros are no differences")
    func extras() throws {
        var theirs = try model(.huggingFace, biases: true)
        let embedding = theirs[0]
        theirs.append(try SampleTensor("lm_head.weight", .f32, [5, 4], embedding.bytes))
        theirs.append(try SampleTensor("transformer.h.0.attn.bias", [1, 1, 2, 2], [1, 0, 1, 1]))
        let diff = try WeightDiff.compare(
            base: folder.safetensors("a.safetensors", theirs), policy: folder.crux("b.crux", model(.nanoGPT)),
            pool: pool)
        #expect(diff.structure.isEmpty)
        #expect(diff.tensors.allSatisfy { $0.isIdentical })
        #expect(diff.mapping?.base.leftOut.sorted() == ["lm_head.weight", "transformer.h.0.attn.bias"])
        #expect(diff.mapping?.policy.zeroBiasCount == 4)
    }

    @Test("Names are taken as they are where that is wanted, and where they are no GPT-2's")
    func unmapped() throws {
        let sources = try (
            folder.safetensors("a.safetensors", model(.huggingFace)), folder.crux("b.crux", model(.nanoGPT))
        )
        let diff = try WeightDiff.compare(
            base: sources.0, policy: sources.1, options: .init(mapsNames: false), pool: pool)
        #expect(diff.mapping == nil)
        #expect(diff.tensors.isEmpty)
        #expect(diff.structure.missing.count == 6)
        let strange = try WeightDiff.compare(
            base: folder.crux("c.crux", [SampleTensor("a", [2], [1, 2])]), policy: sources.1, pool: pool)
        #expect(strange.mapping == nil)
        #expect(strange.structure.missing.map(\.name) == ["a"])
    }

    @Test("One large tensor is cut into pieces: the figures are those of the whole, for any number of workers")
    func pieces() throws {
        // Two pieces and a bit, with changes on both sides of a border.
        let count = 2 * (1 << 22) + 1000
        var values = [Float](repeating: 1, count: count)
        let base = try folder.crux("a.crux", [SampleTensor("w", [count], values)])
        for index in [0, (1 << 22) - 1, 1 << 22, count - 1] { values[index] = 3 }
        values[(1 << 22) + 5] = 6
        let policy = try folder.safetensors("b.safetensors", [SampleTensor("w", [count], values)])
        let figures = try [1, 3].map { workers in
            try #require(
                try WeightDiff.compare(base: base, policy: policy, pool: WorkerPool(workerCount: workers)).weights)
        }
        #expect(figures[0] == figures[1])
        #expect(figures[0].elementCount == count)
        #expect(figures[0].changedBitwise.count == 5)
        #expect(figures[0].changeNorm == Double(4 * 4 + 25).squareRoot())
        #expect(figures[0].largestChange?.index == [(1 << 22) + 5])
        #expect(figures[0].stepHistogram.reduce(0, +) == count)
    }

    @Test("What a training knows of itself is compared: step, seed, data, moments")
    func trainingState() throws {
        func metadata(step: UInt64) -> Metadata {
            [
                "crux.step": .uint64(step), "crux.tokens_seen": .uint64(step * 10),
                "crux.configuration": .string("steps: 3\nseed: 7\n"),
            ]
        }
        let weight = try SampleTensor("w", [1], [1])
        let diff = try WeightDiff.compare(
            base: folder.crux(
                "a.crux", [weight, SampleTensor("m", [1], [1], role: .firstMoment)], metadata: metadata(step: 4)),
            policy: folder.crux(
                "b.crux",
                [
                    weight, SampleTensor("m", [1], [1], role: .firstMoment),
                    SampleTensor("v", [1], [1], role: .secondMoment),
                ], metadata: metadata(step: 5)), pool: pool)
        let parts = Dictionary(uniqueKeysWithValues: diff.trainingState.map { ($0.name, $0) })
        #expect(parts["step"]?.base == "4")
        #expect(parts["step"]?.isSame == false)
        #expect(parts["tokens seen"]?.policy == "50")
        #expect(parts["seed"]?.isSame == true)
        #expect(parts["first moment"]?.isSame == true)
        #expect(parts["second moment"]?.base == nil)
        #expect(parts["second moment"]?.isSame == false)
        #expect(diff.byBlock.map(\.layer) == [nil])
    }
}
