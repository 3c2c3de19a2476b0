import CheckpointFormat
import Codecs
import Foundation
import OrderedCollections
import Synchronization
import SystemPackage
import TensorCore
import TestSupport
import Testing
import Training

@Suite("Saving beside training")
struct BackgroundSaveTests {
    private let folder: TemporaryFolder
    private let path: FilePath

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("run.crux")
    }

    /// System calls of which one may be held up or fail.
    private func operations(
        _ before: @escaping @Sendable (_ call: String) throws -> Void
    ) -> FileOperations {
        let system = FileOperations.system
        return FileOperations(
            create: { path, permissions in
                try before("create")
                return try system.create(path, permissions)
            },
            write: { descriptor, bytes in
                try before("write")
                return try system.write(descriptor, bytes)
            },
            synchronise: { descriptor in
                try before("synchronise")
                try system.synchronise(descriptor)
            },
            close: { descriptor in try system.close(descriptor) },
            rename: { source, target in
                try before("rename")
                try system.rename(source, target)
            },
            remove: { try system.remove($0) })
    }

    private func run(
        _ overrides: [String] = ["checkpoint.every_steps=1"], resume: Bool = false, metrics: FilePath? = nil,
        stop: StopFlag = StopFlag(), operations: FileOperations = .system,
        progress: (ProgressEvent) -> Void = { _ in }
    ) throws -> TrainingSummary {
        try Pretraining(TinyRuns.pretraining(overrides)).run(
            checkpoint: path, resume: resume, metricsFile: metrics, stop: stop, operations: operations,
            progress: progress)
    }

    private func digests() throws -> [String] {
        try CheckpointReader(path: path).tensors.filter { $0.description.role != .state }.map(\.digest.hex)
    }

    @Test("Saves at every step change nothing of the result, and each says how long it held the run up")
    func sameResult() throws {
        let metrics = folder.file("run.jsonl")
        let each = try run(metrics: metrics)
        let saved = try digests()
        let last = try run([])
        #expect(each.weightsDigest == last.weightsDigest)
        #expect(try digests() == saved)
        #expect(try folder.entries() == ["run.crux", "run.jsonl"])
        let pauses = try TinyRuns.metrics(metrics).map { $0["save_pause_seconds"] != nil }
        #expect(pauses == [false, true, true, true, true, true])
    }

    @Test("Steps go on while a save is under way; the snapshot is of its own step; the next save waits")
    func overlap() throws {
        let gate = DispatchSemaphore(value: 0)
        let finished = Mutex<[Int]>([])
        let names = Mutex(0)
        var events: [String] = []
        let path = path
        _ = try run(
            ["checkpoint.every_steps=2"],
            operations: operations { call in
                if call == "create" { gate.wait() }
                if call == "rename" { names.withLock { $0 += 1 } }
            }
        ) { event in
            if event.kind == .saved { events.append("saved \(event.step)") }
            if event.kind == .step {
                events.append("step \(event.step)")
                // The first save is held up until the third step is done, so that only a snapshot can be right.
                if event.step == 3 {
                    #expect(names.withLock { $0 } == 0)
                    gate.signal()
                    while names.withLock({ $0 }) == 0 { usleep(1000) }
                    while (try? CheckpointReader(path: path)) == nil { usleep(1000) }
                    let step = (try? CheckpointReader(path: path))?.metadata[MetadataKey.step]?.intValue
                    finished.withLock { $0.append(step ?? -1) }
                }
                if event.step > 3 { gate.signal() }
            }
        }
        #expect(finished.withLock { $0 } == [2])
        #expect(
            events == ["step 1", "step 2", "saved 2", "step 3", "step 4", "saved 4", "step 5", "step 6", "saved 6"])
        #expect(Verifier.verify(path: path).isValid)
    }

    @Test("An error of a save ends the run at its next step, and the last checkpoint stays")
    func failure() throws {
        let creations = Mutex(0)
        let failing = operations { call in
            if call == "create",
                creations.withLock({ count in
                    count += 1
                    return count == 2
                })
            {
                throw Errno.noSpace
            }
        }
        var steps: [Int] = []
        let error = #expect(throws: CheckpointError.self) {
            try run(operations: failing) { event in
                if event.kind == .step { steps.append(event.step) }
                // Long enough for the save to fail before the next step.
                usleep(50_000)
            }
        }
        #expect(error?.description == "\(path): cannot create a temporary file beside it: No space left on device")
        #expect(steps == [1, 2])
        #expect(try CheckpointReader(path: path).metadata[MetadataKey.step]?.intValue == 1)
        #expect(try folder.entries() == ["run.crux"])
    }

    @Test("An error of the last save is the run's")
    func failureAtTheEnd() throws {
        for overrides in [["checkpoint.every_steps=6"], []] {
            #expect(throws: CheckpointError.self) {
                try run(overrides, operations: operations { if $0 == "synchronise" { throw Errno.ioError } })
            }
            #expect(try folder.entries() == [])
        }
    }

    @Test("An interrupted run returns when its last save is on the disk")
    func interruption() throws {
        let stop = StopFlag()
        let summary = try run(
            stop: stop, operations: operations { if $0 == "synchronise" { usleep(50_000) } }
        ) { if $0.step == 2 { stop.set() } }
        #expect(summary.ending == .interrupted)
        let reader = try CheckpointReader(path: path)
        #expect(reader.metadata[MetadataKey.step]?.intValue == 2)
        #expect(reader.weightsDigest.hex == summary.weightsDigest)
    }

    @Test("A thousand runs whose saves fail at random, each resumed by the next, end as one run without faults")
    func aThousandFaultyRuns() throws {
        let overrides = [
            "steps=2000", "checkpoint.every_steps=1", "workers=1", "model.layer_count=1", "model.head_count=1",
            "model.embedding_size=8", "data.examples_per_step=1", "execution.gradient_lanes=1",
        ]
        let generator = Mutex(SeededGenerator(seed: 3))
        let faults = Mutex(0)
        let faulty = operations { call in
            // A process that is killed leaves its temporary file; one that gets an error removes it.
            guard generator.withLock({ Int.random(in: 0..<12, using: &$0) }) == 0 else { return }
            faults.withLock { $0 += 1 }
            throw generator.withLock { [Errno.noSpace, .ioError, .interrupted].randomElement(using: &$0) ?? .ioError }
        }
        var lastStep = 0
        for run in 0..<1000 {
            let stop = StopFlag()
            _ = try? self.run(overrides, resume: lastStep > 0, stop: stop, operations: faulty) { event in
                if event.step == lastStep + 1 { stop.set() }
            }
            guard let reader = try? CheckpointReader(path: path) else {
                #expect(lastStep == 0, "run \(run): the checkpoint is lost")
                continue
            }
            let step = try #require(reader.metadata[MetadataKey.step]?.intValue)
            #expect(step == lastStep || step == lastStep + 1, "run \(run)")
            lastStep = step
        }
        #expect(faults.withLock { $0 } > 200)
        #expect(lastStep > 500)
        #expect(try folder.entries() == ["run.crux"])
        let survived = try digests()
        let stop = StopFlag()
        _ = try run(overrides + ["checkpoint.every_steps=0"], stop: stop) { if $0.step == lastStep { stop.set() } }
        #expect(try digests() == survived)
    }
}
