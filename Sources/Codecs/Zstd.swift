/// One-shot zstd; use ``ZstdCompressor`` and ``ZstdDecompressor`` where many buffers follow each other.
public enum Zstd {
    /// Compresses to one standard frame that declares its content size.
    public static func compress(
        _ bytes: RawSpan, level: Int = 1, forcingLiteralCompression: Bool = false
    ) throws(ZstdError) -> [UInt8] {
        var compressor = try ZstdCompressor.make(
            level: level, forcingLiteralCompression: forcingLiteralCompression)
        // zstd's own bound: incompressible blocks are stored with three bytes each.
        var output = [UInt8](repeating: 0, count: bytes.byteCount + bytes.byteCount >> 7 + 512)
        var span = output.mutableSpan
        var raw = unsafe span.mutableBytes
        guard let count = try compressor.compress(bytes, into: &raw) else {
            throw ZstdError.library("the frame is larger than the library's bound")
        }
        output.removeLast(output.count - count)
        return output
    }

    /// Decompresses exactly one frame of exactly `byteCount` bytes.
    public static func decompress(_ frame: RawSpan, byteCount: Int) throws(ZstdError) -> [UInt8] {
        var decompressor = try ZstdDecompressor.make()
        var output = [UInt8](repeating: 0, count: byteCount)
        var span = output.mutableSpan
        var raw = unsafe span.mutableBytes
        try decompressor.decompress(frame, into: &raw)
        return output
    }
}
