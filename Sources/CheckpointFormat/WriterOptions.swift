/// How a checkpoint is encoded.
public struct WriterOptions: Sendable, Hashable {
    /// Which codecs a writer may choose from.
    public enum CodecChoice: String, Sendable, Hashable, CaseIterable, Codable {
        /// The smallest of all, chunk by chunk.
        case best
        /// Only raw: the fastest to write, and every tensor can be mapped into memory.
        case raw
    }

    /// Which codecs the writer may choose from.
    public var codec: CodecChoice
    /// The content bytes of a chunk: a multiple of 64 in 64 … 16 MiB.
    public var chunkByteCount: Int
    /// The threads that encode.
    public var workerCount: Int

    /// Sets the options; the defaults suit nearly everything.
    public init(codec: CodecChoice = .best, chunkByteCount: Int = 1 << 20, workerCount: Int? = nil) {
        self.codec = codec
        self.chunkByteCount = chunkByteCount
        self.workerCount = max(1, workerCount ?? Platform.processorCount)
    }
}
