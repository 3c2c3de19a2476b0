import Analysis
import CheckpointInterop
import Kernels
import SystemPackage
import Tasks
import TestSupport
import Testing
import Training

import Experiments

@Suite struct CriticalTokenStudyTests {
    private static func model(in temporary: borrowing TemporaryFolder) throws -> LoadedModel {
        let path = temporary.file("model.crux")
        _ = try Pretraining(
            try ConfigurationLoader.load(
                yaml: nil,
                overrides: [
                    "model.layer_count=1", "model.head_count=2", "model.embedding_size=16", "task.digits=1",
                    "data.examples_per_step=4", "evaluation.examples=0", "steps=2",
                ])
        ).run(checkpoint: path)
        return try LoadedModel(CheckpointOpener.open(path))
    }

    private static let options = CriticalTokenStudy.Options(
        trainedDigits: 1, generationCount: 4, forcedProblemCount: 2, forcedTokenCount: 6, rolloutCount: 2)

    @Test func keepsWhatItForcedAndFindsTheSameAgain() throws {
        let temporary = try TemporaryFolder()
        let model = try Self.model(in: temporary)
        let folder = temporary.file("study")
        let pool = WorkerPool(workerCount: 2)
        let first = try CriticalTokenStudy(
            model: model, options: Self.options, folder: folder, pool: pool, stop: StopFlag(), progress: { _, _ in }
        ).run()
        #expect(first.result.forced.count == 12)
        // Of both problems, every critical token by place is among the forced ones, and others are too.
        #expect(
            first.result.forced.contains {
                $0.criticalName == "step_1/operand_1/n+1_comma" || $0.criticalName == "step_1/operand_2/n+1_comma"
            })
        #expect(first.result.forced.contains { $0.criticalName == nil })
        #expect(first.result.forced.allSatisfy { $0.right != $0.wrong && (0...1).contains($0.rightProbability) })
        #expect(first.result.success.exampleCount == 4)
        #expect(first.result.rankings.count == 10)
        // An untrained model is nearly as unsure everywhere; the mean of differences over all tokens of one kind is not
        // far from 0.
        #expect(first.result.certainties.allSatisfy { abs($0.negentropy.mean) < 0.2 })

        // With the stop flag set, nothing is measured any more: the kept tokens suffice.
        let stop = StopFlag()
        stop.set()
        let second = try CriticalTokenStudy(
            model: model, options: Self.options, folder: folder, pool: WorkerPool(workerCount: 1), stop: stop,
            progress: { _, _ in }
        ).run()
        #expect(second.result == first.result)

        var other = Self.options
        other.seed = 2
        #expect(throws: ExperimentInterrupted.self) {
            try CriticalTokenStudy(
                model: model, options: other, folder: folder, pool: pool, stop: stop, progress: { _, _ in }
            ).run()
        }
    }

    @Test func namesTheFileThatHoldsNoForcedTokens() throws {
        let temporary = try TemporaryFolder()
        let model = try Self.model(in: temporary)
        let folder = temporary.file("study")
        let study = CriticalTokenStudy(
            model: model, options: Self.options, folder: folder, pool: WorkerPool(workerCount: 1), stop: StopFlag(),
            progress: { _, _ in })
        _ = try study.run()
        try folder.appending("forced").appending("problem-2.json").writeBytes(Array("{}".utf8))
        let error = #expect(throws: ExperimentError.self) { try study.run() }
        #expect("\(try #require(error))".contains("problem-2.json"))
    }
}
