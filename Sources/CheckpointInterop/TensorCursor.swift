package import CheckpointFormat
package import TensorCore

/// Reads a tensor in runs of any size, whatever chunks it is stored in.
package struct TensorCursor {
    private let source: any CheckpointSource
    private let tensor: TensorDescription
    private let chunkCount: Int
    private var nextChunk = 0
    private var chunk: [UInt8] = []
    private var consumed = 0

    /// Starts at the tensor's first byte.
    package init(_ tensor: TensorDescription, in source: any CheckpointSource) {
        self.source = source
        self.tensor = tensor
        chunkCount = source.storage(of: tensor).chunkCount
    }

    /// Replaces the buffer's content by the next `byteCount` bytes, or by fewer at the tensor's end.
    package mutating func read(_ byteCount: Int, into buffer: inout [UInt8]) throws(CheckpointError) {
        buffer.removeAll(keepingCapacity: true)
        while buffer.count < byteCount {
            if consumed == chunk.count {
                guard nextChunk < chunkCount else { return }
                try source.readChunk(nextChunk, of: tensor, into: &chunk)
                nextChunk += 1
                consumed = 0
            }
            let end = min(chunk.count, consumed + byteCount - buffer.count)
            buffer.append(contentsOf: chunk[consumed..<end])
            consumed = end
        }
    }
}
