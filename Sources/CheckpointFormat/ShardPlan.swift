public import TensorCore

/// Which tensors go to which file, so that no file is larger than a limit.
public struct ShardPlan: Sendable {
    /// The tensors of each file, in order.
    public let shards: [[TensorDescription]]

    /// Fills one file after the other, in the tensors' order.
    ///
    /// - Parameters:
    ///   - tensors: All tensors.
    ///   - maximumByteCount: The largest size of a file. A tensor that is larger by itself gets a file of its own, which is
    ///     then larger.
    ///   - chunkByteCount: The content bytes of a chunk.
    public init(_ tensors: [TensorDescription], maximumByteCount: Int, chunkByteCount: Int) {
        var shards: [[TensorDescription]] = []
        var byteCount = Int.max
        for tensor in tensors {
            let size = Self.maximumByteCount(of: tensor, chunkByteCount: chunkByteCount)
            if size > maximumByteCount - min(byteCount, maximumByteCount) {
                shards.append([])
                byteCount = Self.fixedByteCount
            }
            shards[shards.count - 1].append(tensor)
            byteCount += size
        }
        self.shards = shards.isEmpty ? [[]] : shards
    }

    /// Header, empty metadata, index without tensors, trailer.
    private static let fixedByteCount =
        2 * Format.blockByteCount + SectionHeader.byteCount(body: 8)
        + SectionHeader.byteCount(body: FileIndex.fixedByteCount + FileIndex.entryByteCount)

    /// The most bytes that a tensor takes, its part of the index included.
    private static func maximumByteCount(of tensor: TensorDescription, chunkByteCount: Int) -> Int {
        let head = TensorHead(description: tensor, chunkByteCount: chunkByteCount, baseDigest: nil)
        let table = ChunkTable.fixedByteCount + head.chunkCount * ChunkTable.entryByteCount
        let record =
            SectionHeader.byteCount(body: head.encodedByteCount) + tensor.byteCount
            + tensor.byteCount.paddingCount(to: Format.alignment) + SectionHeader.byteCount(body: table)
        return record + FileIndex.entryByteCount + 8 + head.encodedByteCount + table
    }
}
