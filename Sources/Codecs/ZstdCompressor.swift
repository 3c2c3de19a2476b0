internal import CZstd

/// A reusable zstd compression context with fixed parameters; one thread at a time.
@safe
public struct ZstdCompressor: ~Copyable {
    private let context: OpaquePointer

    private init(context: OpaquePointer) { unsafe self.context = context }

    /// Makes a context.
    ///
    /// - Parameters:
    ///   - level: zstd's compression level; negative levels trade ratio for speed, and the least one finds next to no
    ///     repetition.
    ///   - forcingLiteralCompression: Entropy-code literals even at negative levels. The frames stay standard.
    ///   - windowLog: log₂ of the window, and so of the largest block where it is below 17; the level's own where nil.
    /// - Throws: ``ZstdError`` where the library does not know a parameter.
    public static func make(
        level: Int, forcingLiteralCompression: Bool = false, windowLog: Int? = nil
    ) throws(ZstdError) -> ZstdCompressor {
        guard let context = unsafe ZSTD_createCCtx() else { throw ZstdError.library("out of memory") }
        let compressor = unsafe ZstdCompressor(context: context)
        try check(unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, CInt(clamping: level)))
        if forcingLiteralCompression {
            // The experimental parameter literalCompressionMode, to ZSTD_ps_enable.
            try check(unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_experimentalParam5, 1))
        }
        if let windowLog {
            try check(unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, CInt(clamping: windowLog)))
        }
        return compressor
    }

    /// The least level that the library knows: entropy coding alone, in effect.
    public static var leastLevel: Int { Int(ZSTD_minCLevel()) }

    deinit {
        _ = unsafe ZSTD_freeCCtx(context)
    }

    /// Compresses to one frame that declares its content size.
    ///
    /// - Parameters:
    ///   - bytes: The content.
    ///   - output: Where the frame goes, from the first byte on.
    /// - Returns: The frame's size, or nil where it does not fit.
    public mutating func compress(_ bytes: RawSpan, into output: inout MutableRawSpan) throws(ZstdError) -> Int? {
        let result = unsafe output.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { source in
                unsafe ZSTD_compress2(context, target.baseAddress, target.count, source.baseAddress, source.count)
            }
        }
        if ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall { return nil }
        return try Self.check(result)
    }

    @discardableResult
    private static func check(_ result: Int) throws(ZstdError) -> Int {
        guard ZSTD_isError(result) == 0 else {
            throw ZstdError.library(unsafe String(cString: ZSTD_getErrorName(result)))
        }
        return result
    }
}
