internal import CKernels
internal import Synchronization

/// What the cores could compute if nothing else held them up.
public enum ArithmeticPeak {
    /// Single-precision operations a second of all workers together, counting a multiply-add as two: the best of
    /// several short bursts in registers.
    public static func measure(on pool: WorkerPool, bursts: Int = 20) -> Double {
        max(
            measure(on: pool, bursts: bursts, usesWideVectors: false),
            measure(on: pool, bursts: bursts, usesWideVectors: true))
    }

    private static let chainCount = 12
    private static let rounds = 400_000

    private static func measure(on pool: WorkerPool, bursts: Int, usesWideVectors: Bool) -> Double {
        let laneCount = usesWideVectors ? 16 : 8
        // Each worker's best burst: workers that wait for a core would only measure what else runs.
        let best = Mutex(Array(repeating: Duration.seconds(1_000_000), count: pool.workerCount))
        for _ in 0..<bursts {
            pool.run(taskCount: pool.workerCount) { task, _ in
                let duration = ContinuousClock().measure {
                    _ = crux_multiply_adds(rounds, usesWideVectors ? 1 : 0, 0.5)
                }
                best.withLock { $0[task] = min($0[task], duration) }
            }
        }
        let operations = Double(2 * chainCount * laneCount * rounds)
        return best.withLock { $0.reduce(0) { $0 + operations / ($1 / .seconds(1)) } }
    }
}
