package import CheckpointFormat
package import TensorCore

/// Reads a tensor, or a stretch of it, in runs of any size, whatever chunks it is stored in.
package struct TensorCursor {
    private let source: any CheckpointSource
    private let tensor: TensorDescription
    private let chunkCount: Int
    private var nextChunk = 0
    private var chunk: [UInt8] = []
    /// The bytes of the current chunk that are done with; of the first one, those before the stretch.
    private var consumed = 0
    private var leftByteCount: Int

    /// Starts at the tensor's first byte.
    package init(_ tensor: TensorDescription, in source: any CheckpointSource) {
        self.source = source
        self.tensor = tensor
        chunkCount = source.storage(of: tensor).chunkCount
        leftByteCount = tensor.byteCount
    }

    /// Reads a range of the tensor's bytes.
    ///
    /// Chunks before the range are not read where all are of one size (``TensorStorage/chunkByteCount``).
    package init(
        _ tensor: TensorDescription, in source: any CheckpointSource, bytes range: Range<Int>
    ) throws(CheckpointError) {
        self.init(tensor, in: source)
        leftByteCount = range.count
        var start = range.lowerBound
        if let size = source.storage(of: tensor).chunkByteCount, size > 0 {
            nextChunk = start / size
            start %= size
        }
        while start > 0, nextChunk < chunkCount {
            try source.readChunk(nextChunk, of: tensor, into: &chunk)
            nextChunk += 1
            consumed = min(start, chunk.count)
            start -= consumed
        }
    }

    /// Reads on where it must, and says how many bytes ``take(_:_:)`` can lend: up to the end of a chunk; 0 at the end of
    /// the range.
    package mutating func availableByteCount() throws(CheckpointError) -> Int {
        while consumed == chunk.count, leftByteCount > 0, nextChunk < chunkCount {
            try source.readChunk(nextChunk, of: tensor, into: &chunk)
            nextChunk += 1
            consumed = 0
        }
        return min(chunk.count - consumed, leftByteCount)
    }

    /// Lends the next bytes where they are: at most ``availableByteCount()``.
    package mutating func take<Value>(_ byteCount: Int, _ body: (RawSpan) -> Value) -> Value {
        let range = consumed..<consumed + byteCount
        consumed += byteCount
        leftByteCount -= byteCount
        return unsafe body(chunk.span.bytes.extracting(range))
    }

    /// Replaces the buffer's content by the next `byteCount` bytes, or by fewer at the end.
    package mutating func read(_ byteCount: Int, into buffer: inout [UInt8]) throws(CheckpointError) {
        buffer.removeAll(keepingCapacity: true)
        let wanted = min(byteCount, leftByteCount)
        while buffer.count < wanted {
            if consumed == chunk.count {
                guard nextChunk < chunkCount else { break }
                try source.readChunk(nextChunk, of: tensor, into: &chunk)
                nextChunk += 1
                consumed = 0
            }
            let end = min(chunk.count, consumed + wanted - buffer.count)
            buffer.append(contentsOf: chunk[consumed..<end])
            consumed = end
        }
        leftByteCount -= buffer.count
    }
}
