internal import CKernels
internal import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Long-lived threads that share out the tasks of one job at a time.
///
/// Threads spin for a short while after a job, so that the next one starts within microseconds, then sleep.
/// The calling thread works too, as worker 0; with one worker there are no other threads.
public final class WorkerPool: Sendable {
    /// The number of workers, the calling thread included.
    public let workerCount: Int
    private let shared = Shared()
    private let oneJobAtATime = Mutex<Void>(())
    private let threads: [Thread]

    /// Starts the threads.
    public init(workerCount: Int) {
        precondition(workerCount >= 1, "a pool needs a worker")
        let shared = shared
        threads = (1..<workerCount).compactMap { worker in Thread { shared.work(as: worker) } }
        // A thread that the system refuses is only one worker less.
        self.workerCount = threads.count + 1
    }

    deinit {
        shared.stop()
        for thread in threads { thread.join() }
    }

    /// Runs `body(task, worker)` for each task and returns when all are done.
    ///
    /// Tasks are handed out in order, to whichever worker is free; a worker runs one task at a time, so its
    /// number can index memory of its own. Calls from several threads wait for each other; a task must not
    /// call `run` on its own pool.
    public func run(taskCount: Int, _ body: @Sendable (_ task: Int, _ worker: Int) -> Void) {
        guard taskCount > 0 else { return }
        oneJobAtATime.withLock { _ in
            if threads.isEmpty || taskCount == 1 {
                for task in 0..<taskCount { body(task, 0) }
                return
            }
            withoutActuallyEscaping(body) { body in
                unsafe withUnsafePointer(to: body) { body in
                    shared.run(unsafe Job(taskCount: taskCount, helperCount: threads.count, body: body))
                }
            }
        }
    }
}

/// One call of `run`: what to do and how far it has come.
///
/// A helper may hold the job a moment longer than the call lasts, but the closure belongs to the call; so the
/// job holds its address, which is read only while there are tasks left.
@safe
private final class Job: @unchecked Sendable {
    typealias Body = @Sendable (Int, Int) -> Void

    let taskCount: Int
    private let body: UnsafePointer<Body>
    let nextTask = Atomic<Int>(0)
    let busyHelpers: Atomic<Int>

    @unsafe
    init(taskCount: Int, helperCount: Int, body: UnsafePointer<Body>) {
        self.taskCount = taskCount
        unsafe self.body = unsafe body
        busyHelpers = Atomic(helperCount)
    }

    func work(as worker: Int) {
        while true {
            let task = nextTask.add(1, ordering: .relaxed).oldValue
            guard task < taskCount else { return }
            unsafe body.pointee(task, worker)
        }
    }
}

/// What the threads share: the current job and a bell for those that sleep.
private final class Shared: Sendable {
    private struct State {
        var job: Job?
        var isStopping = false
    }

    /// Pauses of about 50 ns before a thread sleeps: some 100 µs.
    private static let spins = 2000

    private let generation = Atomic<Int>(0)
    private let state = Mutex(State())
    private let starting = Bell()
    private let finishing = Bell()

    func run(_ job: Job) {
        state.withLock { $0.job = job }
        generation.add(1, ordering: .sequentiallyConsistent)
        starting.ring()
        job.work(as: 0)
        finishing.wait(spins: Self.spins) { job.busyHelpers.load(ordering: .sequentiallyConsistent) == 0 }
        state.withLock { $0.job = nil }
    }

    func work(as worker: Int) {
        var seen = 0
        while true {
            starting.wait(spins: Self.spins) { [seen] in
                generation.load(ordering: .sequentiallyConsistent) != seen
            }
            seen += 1
            let (job, isStopping) = state.withLock { ($0.job, $0.isStopping) }
            if isStopping { return }
            guard let job else { continue }
            job.work(as: worker)
            if job.busyHelpers.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { finishing.ring() }
        }
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        generation.add(1, ordering: .sequentiallyConsistent)
        starting.ring()
    }
}

/// Lets threads wait for a condition on atomics: spinning first, then asleep until the bell rings.
@safe
private final class Bell: @unchecked Sendable {
    private let sleepers = Atomic<Int>(0)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe pthread_cond_destroy(condition)
        unsafe mutex.deallocate()
        unsafe condition.deallocate()
    }

    /// Call after making the condition true. The sleeper counts itself before it looks at the condition once
    /// more, and both sides are sequentially consistent, so one of the two notices the other.
    func ring() {
        guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_broadcast(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    func wait(spins: Int, until isMet: () -> Bool) {
        for _ in 0..<spins {
            if isMet() { return }
            crux_spin_hint()
        }
        unsafe pthread_mutex_lock(mutex)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while !isMet() { unsafe pthread_cond_wait(condition, mutex) }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        unsafe pthread_mutex_unlock(mutex)
    }
}

/// A POSIX thread that runs a closure.
@safe
private struct Thread: @unchecked Sendable {
    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let handle: pthread_t

    /// Nil where the system refuses another thread.
    init?(_ body: @escaping @Sendable () -> Void) {
        let start = unsafe Unmanaged.passRetained(Start(body))
        #if canImport(Darwin)
            var handle: pthread_t?
            let status = unsafe pthread_create(
                &handle, nil,
                { argument in
                    unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                    return nil
                }, start.toOpaque())
            guard status == 0, let handle = unsafe handle else {
                unsafe start.release()
                return nil
            }
            unsafe self.handle = handle
        #else
            var handle = pthread_t()
            let status = unsafe pthread_create(
                &handle, nil,
                { argument in
                    if let argument = unsafe argument {
                        unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                    }
                    return nil
                }, start.toOpaque())
            guard status == 0 else {
                unsafe start.release()
                return nil
            }
            self.handle = handle
        #endif
    }

    func join() {
        #if canImport(Darwin)
            unsafe pthread_join(handle, nil)
        #else
            pthread_join(handle, nil)
        #endif
    }
}
