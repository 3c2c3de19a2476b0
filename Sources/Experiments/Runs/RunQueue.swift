internal import CheckpointFormat
internal import Dispatch
internal import Foundation
internal import Kernels
internal import Synchronization
internal import SystemPackage
public import Training

/// Works off the runs of an experiment, several at a time.
///
/// What is finished is not done again; what was interrupted, in whatever way, goes on from its last checkpoint. A run
/// that fails does not hold the others up.
public final class RunQueue: Sendable {
    /// What is under way.
    public enum Event: Sendable {
        /// Nothing was left to do.
        case skipped(ExperimentRun)
        /// A run starts or goes on.
        case started(ExperimentRun)
        /// A run went one step on.
        case training(ExperimentRun, ProgressEvent)
        /// The model is asked.
        case measuring(ExperimentRun)
        /// Everything of a run is on disk.
        case finished(ExperimentRun)
        /// A run ended with an error; it may be tried again.
        case failed(ExperimentRun, reason: String)
    }

    private struct State {
        var waiting: [ExperimentRun]
        var activeCount = 0
        var finished: Set<String> = []
        var failures: [String] = []
    }

    private let folder: ExperimentFolder
    private let jobs: Int
    private let workersPerRun: Int
    private let stop: StopFlag
    private let report: @Sendable (Event) -> Void
    private let state: Mutex<State>
    private let underWay = DispatchGroup()

    /// A queue.
    ///
    /// - Parameters:
    ///   - runs: In the order in which they are taken; names differ.
    ///   - jobs: How many are under way at a time.
    ///   - workersPerRun: Threads of each.
    ///   - stop: When set, runs save and end, and no other starts.
    ///   - report: Called from the runs' threads.
    public init(
        _ runs: [ExperimentRun], in folder: ExperimentFolder, jobs: Int, workersPerRun: Int, stop: StopFlag,
        report: @escaping @Sendable (Event) -> Void
    ) {
        self.folder = folder
        self.jobs = max(1, jobs)
        self.workersPerRun = max(1, workersPerRun)
        self.stop = stop
        self.report = report
        state = Mutex(State(waiting: runs))
    }

    /// Works off all runs.
    ///
    /// - Throws: ``ExperimentInterrupted``; ``ExperimentError`` naming the runs that failed, when all others are done,
    ///   or where another process works in the folder.
    public func run() throws {
        let lock = try folder.lock()
        startReady()
        underWay.wait()
        withExtendedLifetime(lock) {}
        let (failures, left) = state.withLock { ($0.failures, $0.waiting.count) }
        if !failures.isEmpty { throw ExperimentError(.runsFailed(failures)) }
        if stop.isSet, left > 0 { throw ExperimentInterrupted() }
    }

    /// Starts as many runs as there is room for, each on a thread of its own.
    private func startReady() {
        let ready = state.withLock { state -> [ExperimentRun] in
            guard !stop.isSet else { return [] }
            var ready: [ExperimentRun] = []
            while state.activeCount < jobs,
                let index = state.waiting.firstIndex(where: { run in
                    run.dependency.map { state.finished.contains($0) } ?? true
                })
            {
                ready.append(state.waiting.remove(at: index))
                state.activeCount += 1
            }
            return ready
        }
        for run in ready {
            underWay.enter()
            let thread = Thread { [self] in
                work(on: run)
                startReady()
                underWay.leave()
            }
            thread.start()
        }
    }

    private func work(on run: ExperimentRun) {
        do {
            let isFinished = try complete(run)
            state.withLock { state in
                state.activeCount -= 1
                if isFinished {
                    state.finished.insert(run.name)
                } else {
                    state.waiting.append(run)
                }
            }
        } catch {
            let reason = "\(run.name): \(error)"
            state.withLock { state in
                state.activeCount -= 1
                state.failures.append(reason)
            }
            report(.failed(run, reason: "\(error)"))
        }
    }

    /// Does what is left of a run.
    ///
    /// - Returns: Whether nothing is left now; false where it was asked to stop.
    private func complete(_ run: ExperimentRun) throws -> Bool {
        if try RunState(run, in: folder).isFinished {
            report(.skipped(run))
            return true
        }
        report(.started(run))
        let place = folder.run(run.name)
        try FileManager.default.createDirectory(atPath: place.path.string, withIntermediateDirectories: true)
        var checkpoint = place.checkpoint
        if case .given(let path) = run.work {
            checkpoint = path
        } else {
            try OutputFile.write(run.configuration, to: place.configuration)
        }
        let isTrained = try run.work.train(
            checkpoint: checkpoint, metrics: place.metrics, in: folder, workers: workersPerRun, stop: stop
        ) { report(.training(run, $0)) }
        guard isTrained, !stop.isSet else { return false }
        report(.measuring(run))
        let measures = try RunMeasures(run, checkpoint: checkpoint, pool: WorkerPool(workerCount: workersPerRun))
        try StoredJSON.write(measures, to: place.measures)
        report(.finished(run))
        return true
    }
}
