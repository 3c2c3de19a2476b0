internal import Codecs

/// XOR with the base and one zstd frame a chunk, with a hash of the content, as RL frameworks ship policy updates. One
/// thread at a time.
final class XORCodec {
    /// A chunk of a tensor and its frame.
    final class Frame {
        let tensor: Int
        let range: Range<Int>
        fileprivate var bytes: [UInt8]
        fileprivate(set) var byteCount = 0
        fileprivate var digest = Digest128.zero

        init(tensor: Int, range: Range<Int>) {
            self.tensor = tensor
            self.range = range
            // zstd's own bound: incompressible blocks are stored with three bytes each.
            bytes = [UInt8](repeating: 0, count: range.count + range.count >> 7 + 512)
        }
    }

    private var compressor: Box<ZstdCompressor>?
    private var decompressor: Box<ZstdDecompressor>?
    private var scratch: [UInt8] = []

    private final class Box<Value: ~Copyable> {
        var value: Value
        init(_ value: consuming Value) { self.value = value }
    }

    func begin(level: Int) throws(ZstdError) {
        compressor = Box(try ZstdCompressor.make(level: level))
        if decompressor == nil { decompressor = Box(try ZstdDecompressor.make()) }
    }

    func encode(_ frame: Frame, _ new: [UInt8], _ base: [UInt8]?) throws(ZstdError) {
        frame.digest = unsafe XXH3.hash128(new.span.bytes.extracting(frame.range))
        resize(to: frame.range.count)
        unsafe scratch.withUnsafeMutableBytes { target in
            unsafe new.withUnsafeBytes { new in
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: new[frame.range]))
            }
        }
        if let base { xor(base, at: frame.range.lowerBound) }
        guard let compressor else { return }
        let content = scratch
        var bytes: [UInt8] = []
        swap(&bytes, &frame.bytes)
        defer { swap(&bytes, &frame.bytes) }
        var span = bytes.mutableSpan
        var output = unsafe span.mutableBytes
        frame.byteCount = try unsafe compressor.value.compress(content.span.bytes, into: &output) ?? 0
    }

    func decode(_ frame: Frame, _ base: [UInt8]?) throws(ZstdError) {
        resize(to: frame.range.count)
        guard let decompressor else { return }
        do {
            let bytes = frame.bytes
            var content: [UInt8] = []
            swap(&content, &scratch)
            defer { swap(&content, &scratch) }
            var span = content.mutableSpan
            var output = unsafe span.mutableBytes
            try unsafe decompressor.value.decompress(
                bytes.span.bytes.extracting(first: frame.byteCount), into: &output)
        }
        if let base { xor(base, at: frame.range.lowerBound) }
        guard XXH3.hash128(scratch) == frame.digest else { throw ZstdError.library("another content") }
    }

    private func resize(to count: Int) {
        if scratch.count != count { scratch = [UInt8](repeating: 0, count: count) }
    }

    private func xor(_ base: [UInt8], at start: Int) {
        unsafe scratch.withUnsafeMutableBytes { target in
            unsafe base.withUnsafeBytes { base in
                // Words, so that the compiler's vector loop has no remainder worth naming.
                let wordCount = target.count / 8
                for index in 0..<wordCount {
                    let word = unsafe base.loadUnaligned(fromByteOffset: start + 8 * index, as: UInt64.self)
                    let own = unsafe target.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
                    unsafe target.storeBytes(of: own ^ word, toByteOffset: 8 * index, as: UInt64.self)
                }
                for index in 8 * wordCount..<target.count { unsafe target[index] ^= base[start + index] }
            }
        }
    }
}
