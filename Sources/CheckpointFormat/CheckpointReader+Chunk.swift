extension CheckpointReader {
    /// Replaces the buffer's content by one chunk of a tensor, checked against its digests.
    ///
    /// Chunks can be read in any order and from several threads.
    ///
    /// - Throws: ``CheckpointError``, `missing` where the tensor has no such chunk.
    public func readChunk(
        _ chunk: Int, of tensor: StoredTensor, into content: inout [UInt8]
    ) throws(CheckpointError) {
        guard tensor.chunks.indices.contains(chunk) else {
            throw CheckpointError(
                .missing, path: path, place: CheckpointPlace(tensor: tensor.name, chunk: chunk),
                problem: "no such chunk")
        }
        let stored = tensor.chunks[chunk]
        content.resize(to: stored.contentRange.count)
        var span = content.mutableSpan
        var bytes = unsafe span.mutableBytes
        try decoders.withDecoder { decoder throws(CheckpointError) in
            try decoder.read(stored, of: tensor, from: holder(of: tensor).file, base: base, into: &bytes)
        }
    }
}
