extension ZstdCompressor {
    /// Compresses to one frame whose first bytes are known to be incompressible and stored in raw blocks.
    ///
    /// That costs a copy, where the library would try to compress them first.
    ///
    /// - Parameters:
    ///   - bytes: The content, less than 4 GiB.
    ///   - rawByteCount: How many of the first bytes are stored as they are.
    ///   - output: Where the frame goes, from the first byte on.
    /// - Returns: The frame's size, or nil where it does not fit.
    public mutating func compress(
        _ bytes: RawSpan, storingFirst rawByteCount: Int, into output: inout MutableRawSpan
    ) throws(ZstdError) -> Int? {
        guard rawByteCount > 0, rawByteCount < bytes.byteCount else { return try compress(bytes, into: &output) }
        var frame = ZstdFrameJoiner()
        guard frame.store(bytes.extracting(first: rawByteCount), into: &output) else { return nil }
        let rest = bytes.extracting(droppingFirst: rawByteCount)
        let isWhole = try frame.append(into: &output) { output throws(ZstdError) in
            try compress(rest, into: &output)
        }
        return isWhole ? frame.finish(contentByteCount: bytes.byteCount, in: &output) : nil
    }
}
