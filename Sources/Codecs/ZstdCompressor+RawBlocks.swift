extension ZstdCompressor {
    /// The most bytes that a block of a frame may hold (RFC 8878, section 3.1.1.2).
    private static let blockByteCount = 1 << 17
    /// Magic, descriptor (single segment, a content size of four bytes) and content size (RFC 8878, section 3.1.1.1).
    private static let headerByteCount = 9

    /// Compresses to one frame whose first bytes are known to be incompressible and stored in raw blocks.
    ///
    /// That costs a copy, where the library would try to compress them first. The blocks of the rest are the library's,
    /// made as a frame of its own: as nothing but raw blocks lies before them, they mean the same here.
    ///
    /// - Parameters:
    ///   - bytes: The content, less than 4 GiB.
    ///   - rawByteCount: How many of the first bytes are stored as they are.
    ///   - output: Where the frame goes, from the first byte on.
    /// - Returns: The frame's size, or nil where it does not fit.
    public mutating func compress(
        _ bytes: RawSpan, storingFirst rawByteCount: Int, into output: inout MutableRawSpan
    ) throws(ZstdError) -> Int? {
        guard rawByteCount > 0, rawByteCount < bytes.byteCount, let byteCount = UInt32(exactly: bytes.byteCount)
        else { return try compress(bytes, into: &output) }
        let blockCount = (rawByteCount + Self.blockByteCount - 1) / Self.blockByteCount
        let start = Self.headerByteCount + 3 * blockCount + rawByteCount
        guard start < output.byteCount else { return nil }

        let rest = bytes.extracting(droppingFirst: rawByteCount)
        let blocksCount = try unsafe output.withUnsafeMutableBytes { target throws(ZstdError) -> Int? in
            let free = unsafe UnsafeMutableRawBufferPointer(rebasing: target[start...])
            var frame = unsafe free.mutableBytes
            guard let count = try compress(rest, into: &frame) else { return nil }
            let headerCount = Self.headerByteCount(of: frame.bytes)
            guard headerCount < count else { return nil }
            unsafe free.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(free)[headerCount..<count]))
            return count - headerCount
        }
        guard let blocksCount else { return nil }

        output.store([0x28, 0xB5, 0x2F, 0xFD, 0xA0], at: 0)
        output.store((0..<4).map { UInt8(truncatingIfNeeded: byteCount >> (8 * UInt32($0))) }, at: 5)
        var position = Self.headerByteCount
        for block in 0..<blockCount {
            let offset = block * Self.blockByteCount
            let count = min(Self.blockByteCount, rawByteCount - offset)
            // Bit 0 says whether it is the last block, bits 1 and 2 the type: 0, raw.
            output.store((0..<3).map { UInt8(truncatingIfNeeded: (count << 3) >> (8 * $0)) }, at: position)
            output.copy(bytes.extracting(offset..<offset + count), at: position + 3)
            position += 3 + count
        }
        return start + blocksCount
    }

    /// The size of a frame's header, from its descriptor (RFC 8878, section 3.1.1.1.1).
    private static func headerByteCount(of frame: RawSpan) -> Int {
        let descriptor = Int(unsafe frame.unsafeLoad(fromByteOffset: 4, as: UInt8.self))
        let isSingleSegment = descriptor & 0x20 != 0
        let contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]
        let dictionary = [0, 1, 2, 4][descriptor & 3]
        return 5 + (isSingleSegment ? 0 : 1) + dictionary + contentSize
    }
}

extension MutableRawSpan {
    fileprivate mutating func store(_ bytes: [UInt8], at offset: Int) {
        for (index, byte) in bytes.enumerated() { storeBytes(of: byte, toByteOffset: offset + index, as: UInt8.self) }
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
