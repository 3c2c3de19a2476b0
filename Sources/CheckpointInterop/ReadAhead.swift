internal import CheckpointFormat
internal import TensorCore

/// Reads the chunks of tensors on several threads, a few ahead of what is wanted, and hands them on in order.
final class ReadAhead {
    private let workerCount: Int
    private var wanted: [Slot]
    private var reading: [Slot]

    /// A chunk that was read, or why it could not be. One thread at a time.
    private final class Slot {
        private var bytes: [UInt8] = []
        private var failure: CheckpointError?

        func read(_ chunk: Int, of tensor: TensorDescription, in source: any CheckpointSource) {
            do throws(CheckpointError) {
                try source.readChunk(chunk, of: tensor, into: &bytes)
                failure = nil
            } catch {
                failure = error
            }
        }

        func use(_ body: (RawSpan) throws(CheckpointError) -> Void) throws(CheckpointError) {
            if let failure { throw failure }
            let bytes = bytes
            try unsafe body(bytes.span.bytes)
        }
    }

    /// Of larger chunks several would be too much memory.
    private static let largestChunkByteCount = 1 << 22

    /// The most chunks that are read at a time, however many threads there are.
    private static let largestCount = 16

    /// Takes memory for a few chunks a thread.
    init(workerCount: Int) {
        self.workerCount = workerCount
        let count = min(2 * workerCount, Self.largestCount)
        wanted = (0..<count).map { _ in Slot() }
        reading = (0..<count).map { _ in Slot() }
    }

    /// Hands all chunks of a tensor to `body`, one after the other, though not always on the same thread.
    ///
    /// - Throws: What reading the source throws, and what `body` does, after which no chunk follows.
    func forEachChunk(
        of tensor: TensorDescription, in source: any CheckpointSource,
        _ body: (RawSpan) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        let storage = source.storage(of: tensor)
        // Chunks that cannot be read by themselves would be read again and again.
        guard workerCount > 1, storage.chunkCount > 1, let size = storage.chunkByteCount,
            size <= Self.largestChunkByteCount
        else {
            for chunk in 0..<storage.chunkCount {
                wanted[0].read(chunk, of: tensor, in: source)
                try wanted[0].use(body)
            }
            return
        }
        var failure: CheckpointError?
        var (next, wantedCount) = (0, 0)
        while wantedCount > 0 || next < storage.chunkCount {
            let readingCount = min(reading.count, storage.chunkCount - next)
            // The first task hands on what was read before, while the others read what comes next.
            ParallelTasks.run(taskCount: 1 + readingCount, workerCount: workerCount) { task, _ in
                if task > 0 {
                    reading[task - 1].read(next + task - 1, of: tensor, in: source)
                    return
                }
                do throws(CheckpointError) {
                    for slot in wanted[..<wantedCount] { try slot.use(body) }
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            swap(&wanted, &reading)
            wantedCount = readingCount
            next += readingCount
        }
    }
}
