internal import Synchronization

/// Decoders that wait for their next use, so that reading a chunk need not allocate memory.
final class DecoderPool: Sendable {
    private let idle = Mutex<[ChunkDecoder]>([])

    /// Lends a decoder that nobody else uses meanwhile.
    func withDecoder<Failure: Error>(_ body: (ChunkDecoder) throws(Failure) -> Void) throws(Failure) {
        let decoder = idle.withLock { $0.popLast() } ?? ChunkDecoder()
        defer { idle.withLock { $0.append(decoder) } }
        try body(decoder)
    }
}
