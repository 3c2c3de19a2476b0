internal import TensorCore

extension CheckpointReader {
    /// Reads several tensors into one piece of memory, each checked against its digests.
    ///
    /// The chunks of all of them are shared out over the processors, so that many small tensors are read as fast as one
    /// large one.
    ///
    /// - Parameters:
    ///   - tensors: Some of ``tensors``.
    ///   - offsets: Where in the buffer each tensor's content begins, in ascending order and without overlap.
    ///   - buffer: The memory.
    /// - Throws: ``CheckpointError``: `invalid` where the contents do not fit into the buffer one behind the other. The
    ///   buffer's content is of no use then.
    public func read(
        _ tensors: [StoredTensor], at offsets: [Int], into buffer: inout MutableRawSpan
    ) throws(CheckpointError) {
        var tasks: [(tensor: Int, chunk: Int)] = []
        var end = 0
        guard tensors.count == offsets.count else {
            throw CheckpointError(
                .invalid, path: path, problem: "\(offsets.count) places for \(tensors.count) tensors")
        }
        for (index, (tensor, offset)) in zip(tensors, offsets).enumerated() {
            let byteCount = tensor.description.byteCount
            guard offset >= end, byteCount <= buffer.byteCount, offset <= buffer.byteCount - byteCount else {
                throw CheckpointError(
                    .invalid, path: path, place: CheckpointPlace(tensor: tensor.name),
                    problem: "the content does not fit into the buffer at byte \(offset)",
                    comparison: .values(found: "\(buffer.byteCount) bytes", expected: "\(end) … and \(byteCount) bytes")
                )
            }
            end = offset + byteCount
            tasks += tensor.chunks.indices.map { (index, $0) }
        }
        let files = tensors.map { holder(of: $0).file }
        let failures = FirstFailure()
        unsafe buffer.withUnsafeMutableBytes { buffer in
            unsafe Platform.preferLargePages(buffer)
            // Every task has a part of the buffer to itself.
            nonisolated(unsafe) let buffer = unsafe buffer
            ParallelTasks.run(taskCount: tasks.count, workerCount: Platform.processorCount) { task, _ in
                guard !failures.isSet else { return }
                let tensor = tensors[tasks[task].tensor]
                let chunk = tensor.chunks[tasks[task].chunk]
                let start = offsets[tasks[task].tensor] + chunk.contentRange.lowerBound
                let part = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: buffer[start..<start + chunk.contentRange.count])
                do throws(CheckpointError) {
                    try decoders.withDecoder { decoder throws(CheckpointError) in
                        var content = unsafe part.mutableBytes
                        try decoder.read(chunk, of: tensor, from: files[tasks[task].tensor], base: base, into: &content)
                    }
                } catch {
                    failures.set(error, at: task)
                }
            }
        }
        if let failure = failures.value { throw failure }
    }
}
