/// Puts one zstd frame together from parts that are compressed in different ways (RFC 8878).
///
/// The blocks of a part are taken from a frame of its own, which starts without a past: they mean the same behind other
/// blocks, but for the offsets that sequences repeat. So at most one part may have sequences, that is, repetitions.
public struct ZstdFrameJoiner {
    /// The most bytes that a block may hold (section 3.1.1.2).
    private static let blockByteCount = 1 << 17
    /// Magic, descriptor (single segment, a content size of four bytes) and content size (section 3.1.1.1).
    private static let headerByteCount = 9

    /// Where the next block goes.
    private var position = headerByteCount
    /// Where the last block's header is; nil before the first.
    private var lastBlock: Int?
    private var hasSequences = false

    /// Begins a frame at an output's first byte.
    public init() {}

    /// Adds bytes as they are.
    ///
    /// - Returns: False where they do not fit; the frame is of no use then.
    public mutating func store(_ bytes: RawSpan, into output: inout MutableRawSpan) -> Bool {
        var offset = 0
        while offset < bytes.byteCount {
            let count = min(Self.blockByteCount, bytes.byteCount - offset)
            guard count + 3 <= output.byteCount - position else { return false }
            lastBlock = position
            // Bit 0 says whether it is the last block, bits 1 and 2 the type: 0, raw.
            output.store(UInt64(count << 3), byteCount: 3, at: position)
            output.copy(bytes.extracting(offset..<offset + count), at: position + 3)
            position += 3 + count
            offset += count
        }
        return true
    }

    /// Adds what `compress` makes of a part that is not empty: a frame without a checksum, of which it returns the size.
    ///
    /// - Returns: False where that is nil, and for sequences in a second part; the frame is of no use then.
    public mutating func append<Failure: Error>(
        into output: inout MutableRawSpan, _ compress: (inout MutableRawSpan) throws(Failure) -> Int?
    ) throws(Failure) -> Bool {
        guard position < output.byteCount else { return false }
        let start = position
        let count = try unsafe output.withUnsafeMutableBytes { target throws(Failure) -> Int? in
            let free = unsafe UnsafeMutableRawBufferPointer(rebasing: target[start...])
            var frame = unsafe free.mutableBytes
            guard let count = try compress(&frame), count <= free.count,
                let headerCount = Self.headerByteCount(of: frame.bytes.extracting(first: count))
            else { return nil }
            unsafe free.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(free)[headerCount..<count]))
            return count - headerCount
        }
        guard let count else { return false }
        return take(blocksUpTo: start + count, in: &output)
    }

    /// Ends the frame.
    ///
    /// - Parameter contentByteCount: The bytes of all parts, less than 4 GiB.
    /// - Returns: The frame's size; nil for an empty or larger content.
    public func finish(contentByteCount: Int, in output: inout MutableRawSpan) -> Int? {
        guard let lastBlock, let size = UInt32(exactly: contentByteCount) else { return nil }
        output.store(0xA0_FD2F_B528, byteCount: 5, at: 0)
        output.store(UInt64(size), byteCount: 4, at: 5)
        let blockHeader = output.bytes.byte(at: lastBlock)
        output.store(UInt64(blockHeader | 1), byteCount: 1, at: lastBlock)
        return position
    }

    /// Goes through the blocks of a part: none of them is the last one any more.
    private mutating func take(blocksUpTo end: Int, in output: inout MutableRawSpan) -> Bool {
        var partHasSequences = false
        while position < end {
            guard end - position >= 3 else { return false }
            let header = (0..<3).reduce(0) { $0 | Int(output.bytes.byte(at: position + $1)) << (8 * $1) }
            let type = header >> 1 & 3
            let size = type == 1 ? 1 : header >> 3
            guard size <= end - position - 3 else { return false }
            let content = position + 3..<position + 3 + size
            if type == 2, Self.hasSequences(block: output.bytes.extracting(content)) { partHasSequences = true }
            output.store(UInt64(header & ~1), byteCount: 3, at: position)
            lastBlock = position
            position += 3 + size
        }
        if partHasSequences, hasSequences { return false }
        hasSequences = hasSequences || partHasSequences
        return true
    }

    /// Whether a compressed block has sequences behind its literals (sections 3.1.1.3.1 and 3.1.1.3.2).
    private static func hasSequences(block: RawSpan) -> Bool {
        guard block.byteCount > 0 else { return false }
        let first = Int(block.byte(at: 0))
        let (type, sizeFormat) = (first & 3, first >> 2 & 3)
        // The header's size, and where the size of what follows it is in its bits.
        let headerCount: Int
        let size: (start: Int, bitCount: Int)
        if type < 2 {
            headerCount = [1, 2, 1, 3][sizeFormat]
            size = (headerCount == 1 ? 3 : 4, [5, 12, 5, 20][sizeFormat])
        } else {
            headerCount = [3, 3, 4, 5][sizeFormat]
            let bitCount = [10, 10, 14, 18][sizeFormat]
            size = (4 + bitCount, bitCount)
        }
        guard headerCount <= block.byteCount else { return true }
        let header = (0..<headerCount).reduce(0) { $0 | Int(block.byte(at: $1)) << (8 * $1) }
        let literalsCount = type == 1 ? 1 : header >> size.start & (1 << size.bitCount - 1)
        let sequences = headerCount + literalsCount
        return sequences >= block.byteCount || block.byte(at: sequences) != 0
    }

    /// The size of a frame's header, from its descriptor (section 3.1.1.1.1); nil for a frame with a checksum.
    private static func headerByteCount(of frame: RawSpan) -> Int? {
        guard frame.byteCount > 5 else { return nil }
        let descriptor = Int(frame.byte(at: 4))
        let isSingleSegment = descriptor & 0x20 != 0
        let contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]
        let dictionary = [0, 1, 2, 4][descriptor & 3]
        let count = 5 + (isSingleSegment ? 0 : 1) + dictionary + contentSize
        return descriptor & 4 == 0 && count < frame.byteCount ? count : nil
    }
}

extension RawSpan {
    fileprivate func byte(at offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}

extension MutableRawSpan {
    /// Stores the lowest bytes of a number, little-endian.
    fileprivate mutating func store(_ value: UInt64, byteCount: Int, at offset: Int) {
        for index in 0..<byteCount {
            storeBytes(
                of: UInt8(truncatingIfNeeded: value >> UInt64(8 * index)), toByteOffset: offset + index, as: UInt8.self)
        }
    }

    fileprivate mutating func copy(_ source: RawSpan, at offset: Int) {
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + source.count])
                    .copyMemory(from: source)
            }
        }
    }
}
