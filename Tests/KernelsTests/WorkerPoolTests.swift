import Kernels
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    @Test(arguments: [1, 2, 3, 8])
    func runsEveryTaskOnceAndWaitsForAll(workerCount: Int) {
        let pool = WorkerPool(workerCount: workerCount)
        for taskCount in [0, 1, 2, 7, 100] {
            let runs = FloatArena(count: taskCount).all
            pool.run(taskCount: taskCount) { task, worker in
                #expect((0..<workerCount).contains(worker))
                runs[task] += 1
            }
            #expect(runs.array == Array(repeating: 1, count: taskCount))
        }
    }

    @Test func keepsWorkersApart() {
        // A worker runs one task at a time: unsynchronised counters by worker lose nothing.
        let pool = WorkerPool(workerCount: 4)
        let counts = FloatArena(count: 4).all
        for _ in 0..<2000 {
            pool.run(taskCount: 9) { _, worker in counts[worker] += 1 }
        }
        #expect(counts.array.reduce(0, +) == 18_000)
    }

    @Test func wakesAfterSleeping() async throws {
        let pool = WorkerPool(workerCount: 3)
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(3))
            let done = Atomic<Int>(0)
            pool.run(taskCount: 5) { _, _ in done.add(1, ordering: .relaxed) }
            #expect(done.load(ordering: .relaxed) == 5)
        }
    }

    @Test func takesCallsFromSeveralThreads() async {
        let pool = WorkerPool(workerCount: 2)
        let total = SharedCount()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<100 { pool.run(taskCount: 3) { _, _ in total.value.add(1, ordering: .relaxed) } }
                }
            }
        }
        #expect(total.value.load(ordering: .relaxed) == 2400)
    }

    @Test func startsAndStopsManyTimes() {
        for _ in 0..<50 {
            let pool = WorkerPool(workerCount: 3)
            let done = Atomic<Int>(0)
            pool.run(taskCount: 4) { _, _ in done.add(1, ordering: .relaxed) }
            #expect(done.load(ordering: .relaxed) == 4)
        }
    }
}

private final class SharedCount: Sendable {
    let value = Atomic<Int>(0)
}
