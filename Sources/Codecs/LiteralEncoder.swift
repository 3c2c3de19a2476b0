internal import CKernels

/// Makes zstd frames that code bytes one by one, without looking for repetitions; one thread at a time.
///
/// Such frames are what byte planes of weights need. The library makes them too, at its least level with literals forced to
/// be compressed, in about twice the time.
@safe
public struct LiteralEncoder: ~Copyable {
    private let scratch: UnsafeMutableRawPointer

    private init(scratch: UnsafeMutableRawPointer) { unsafe self.scratch = scratch }

    /// Makes an encoder; takes nearly a megabyte, most of which is only ever touched for bytes of many values.
    ///
    /// - Throws: ``ZstdError`` where there is no memory.
    public static func make() throws(ZstdError) -> LiteralEncoder {
        guard let scratch = unsafe crux_literals_make() else { throw ZstdError.library("out of memory") }
        return unsafe LiteralEncoder(scratch: scratch)
    }

    deinit { unsafe crux_literals_free(scratch) }

    /// The output that any frame of so many bytes has room in.
    public static func capacity(for byteCount: Int) -> Int { byteCount + byteCount / 8192 + 64 }

    /// Compresses to one frame that declares its content size.
    ///
    /// - Parameters:
    ///   - bytes: The content, less than 4 GiB.
    ///   - rawByteCount: How many of the first bytes are stored as they are.
    ///   - output: Where the frame goes, from the first byte on; ``capacity(for:)`` bytes or more.
    /// - Returns: The frame's size; nil where the output is smaller, and for bytes that only the library codes: those
    ///   with values above 128 among what is compressed.
    public mutating func compress(
        _ bytes: RawSpan, storingFirst rawByteCount: Int = 0, into output: inout MutableRawSpan
    ) -> Int? {
        guard (1...Int(UInt32.max)).contains(bytes.byteCount), (0...bytes.byteCount).contains(rawByteCount) else {
            return nil
        }
        let count = unsafe output.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { source in
                guard let from = source.baseAddress, let to = target.baseAddress else { return -1 }
                return unsafe crux_code_literals(source.count, rawByteCount, from, to, target.count, scratch)
            }
        }
        return count < 0 ? nil : count
    }
}
