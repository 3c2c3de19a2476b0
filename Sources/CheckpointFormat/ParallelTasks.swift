internal import Dispatch
internal import Synchronization

/// Runs tasks on several threads; worth it from about a millisecond a task.
package enum ParallelTasks {
    /// Calls `body(task, worker)` for every task from 0, handed out in order to workers from 0.
    ///
    /// A worker does one task at a time, so that `worker` may select state that only one thread uses.
    package static func run(taskCount: Int, workerCount: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
        let workers = min(taskCount, workerCount)
        guard workers > 1 else {
            for task in 0..<taskCount { body(task, 0) }
            return
        }
        let next = Atomic<Int>(0)
        withoutActuallyEscaping(body) { body in
            // Dispatch calls it from several threads and returns after the last; what the callers share
            // between tasks is selected by task or by worker.
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: workers) { worker in
                while true {
                    let task = next.add(1, ordering: .relaxed).oldValue
                    guard task < taskCount else { return }
                    unsafe body(task, worker)
                }
            }
        }
    }
}
