internal import CZstd

/// A reusable zstd decompression context; one thread at a time.
@safe
public struct ZstdDecompressor: ~Copyable {
    private let context: OpaquePointer

    private init(context: OpaquePointer) { unsafe self.context = context }

    /// Makes a context.
    public static func make() throws(ZstdError) -> ZstdDecompressor {
        guard let context = unsafe ZSTD_createDCtx() else { throw ZstdError.library("out of memory") }
        return unsafe ZstdDecompressor(context: context)
    }

    deinit {
        _ = unsafe ZSTD_freeDCtx(context)
    }

    /// The content size that a frame declares.
    ///
    /// - Throws: ``ZstdError`` where it declares none or more than `limit`.
    public static func contentByteCount(of frame: RawSpan, atMost limit: Int) throws(ZstdError) -> Int {
        let size = unsafe frame.withUnsafeBytes { unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        // The two highest values mean "unknown" and "not a frame".
        if size == UInt64.max - 1 { throw ZstdError.notOneFrame }
        guard size <= UInt64(limit) else {
            throw ZstdError.wrongContentSize(found: size == UInt64.max ? nil : size, expected: limit)
        }
        return Int(size)
    }

    /// Decompresses exactly one frame that fills exactly the output. Never writes beyond it.
    public mutating func decompress(_ frame: RawSpan, into output: inout MutableRawSpan) throws(ZstdError) {
        let expected = output.byteCount
        let result = try unsafe frame.withUnsafeBytes { source throws(ZstdError) in
            let size = unsafe ZSTD_getFrameContentSize(source.baseAddress, source.count)
            // The two highest values mean "unknown" and "not a frame".
            guard size < UInt64.max - 1 else {
                if size == UInt64.max { throw ZstdError.wrongContentSize(found: nil, expected: expected) }
                throw ZstdError.notOneFrame
            }
            guard size == UInt64(expected) else {
                throw ZstdError.wrongContentSize(found: size, expected: expected)
            }
            guard unsafe ZSTD_getDictID_fromFrame(source.baseAddress, source.count) == 0 else {
                throw ZstdError.needsDictionary
            }
            guard unsafe ZSTD_findFrameCompressedSize(source.baseAddress, source.count) == source.count else {
                throw ZstdError.notOneFrame
            }
            return unsafe output.withUnsafeMutableBytes { target in
                unsafe ZSTD_decompressDCtx(
                    context, target.baseAddress, target.count, source.baseAddress, source.count)
            }
        }
        guard ZSTD_isError(result) == 0 else {
            throw ZstdError.library(unsafe String(cString: ZSTD_getErrorName(result)))
        }
        guard result == expected else {
            throw ZstdError.wrongContentSize(found: UInt64(result), expected: expected)
        }
    }
}
