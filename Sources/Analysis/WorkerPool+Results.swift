internal import Kernels
internal import Synchronization

extension WorkerPool {
    /// The results of all tasks in order.
    ///
    /// - Throws: The error of the first task, in order, that failed; tasks that had not begun when one failed
    ///   are left out.
    func results<Value: Sendable, Failure: Error>(
        taskCount: Int, _ body: @Sendable (_ task: Int) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        let results = Mutex<[Int: Result<Value, Failure>]>([:])
        let hasFailed = Atomic(false)
        run(taskCount: taskCount) { task, _ in
            guard !hasFailed.load(ordering: .relaxed) else { return }
            let result: Result<Value, Failure>
            do throws(Failure) {
                result = .success(try body(task))
            } catch {
                result = .failure(error)
                hasFailed.store(true, ordering: .relaxed)
            }
            results.withLock { $0[task] = result }
        }
        var values: [Value] = []
        values.reserveCapacity(taskCount)
        for (_, result) in results.withLock({ $0.sorted { $0.key < $1.key } }) { values.append(try result.get()) }
        return values
    }
}
