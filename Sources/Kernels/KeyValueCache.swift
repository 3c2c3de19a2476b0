internal import CKernels

/// Keys and values of the tokens so far, of several sequences and all blocks, for generation one token at a time.
///
/// Keys lie in blocks of 32 tokens, [layer, slot, head, block, D, 32], values as they come,
/// [layer, slot, head, capacity, D], so that one query's scores and its weighted sum both stream through memory.
/// Threads may use different slots at the same time.
public final class KeyValueCache: Sendable {
    /// The number of sequences.
    public let slotCount: Int
    /// The tokens that fit a slot.
    public let capacity: Int
    private let shape: CausalAttention.Shape
    private let layerCount: Int
    private let keys: FloatSlice
    private let values: FloatSlice
    /// Each slot's scores, [slot, capacity].
    private let scores: FloatSlice

    /// Allocates an empty cache.
    public init(layerCount: Int, slotCount: Int, capacity: Int, shape: CausalAttention.Shape) {
        precondition(layerCount >= 1 && slotCount >= 1 && capacity >= 1, "a cache for nothing")
        self.layerCount = layerCount
        self.slotCount = slotCount
        self.capacity = Self.wholeBlocks(capacity)
        self.shape = shape
        let count = layerCount * slotCount * self.capacity * shape.width
        keys = FloatArena(count: count).all
        values = FloatArena(count: count).all
        scores = FloatArena(count: slotCount * self.capacity).all
    }

    /// The bytes of one slot.
    public static func slotByteCount(layerCount: Int, capacity: Int, shape: CausalAttention.Shape) -> Int {
        2 * layerCount * wholeBlocks(capacity) * shape.width * MemoryLayout<Float>.stride
    }

    private static let blockSize = Int(CRUX_KEY_BLOCK)

    private static func wholeBlocks(_ capacity: Int) -> Int { (capacity + blockSize - 1) / blockSize * blockSize }

    /// Appends keys and values of consecutive tokens.
    ///
    /// - Parameters:
    ///   - queriesKeysValues: their Q, K, V side by side, [count, 3C].
    ///   - layer: the block.
    ///   - slot: the sequence.
    ///   - first: how many tokens the slot holds already.
    public func store(_ queriesKeysValues: FloatSlice, layer: Int, slot: Int, first: Int) {
        let stride = 3 * shape.width
        let count = Bias.rows(of: queriesKeysValues, width: stride)
        let start = check(layer, slot)
        precondition(first >= 0 && first + count <= capacity, "more tokens than the cache holds")
        let size = shape.headSize
        for head in 0..<shape.headCount {
            let headKeys = unsafe keys.base + start + head * size * capacity
            let headValues = unsafe values.base + start + head * size * capacity
            for row in 0..<count {
                let key = unsafe queriesKeysValues.base + row * stride + shape.width + head * size
                let value = unsafe key + shape.width
                let token = first + row
                let block = unsafe headKeys + token / Self.blockSize * Self.blockSize * size
                for d in 0..<size { unsafe block[d * Self.blockSize + token % Self.blockSize] = unsafe key[d] }
                unsafe (headValues + token * size).update(from: value, count: size)
            }
        }
    }

    /// One query of each head against the first `count` tokens of a slot.
    ///
    /// - Parameters:
    ///   - queriesKeysValues: Q, K, V of the query's token, [3C].
    ///   - layer: the block.
    ///   - slot: the sequence.
    ///   - count: the tokens to attend to, at least 1.
    ///   - out: [C].
    public func attend(
        _ queriesKeysValues: FloatSlice, layer: Int, slot: Int, count: Int, into out: FloatSlice
    ) {
        let start = check(layer, slot)
        precondition(count >= 1 && count <= capacity, "KeyValueCache: sizes differ")
        precondition(
            queriesKeysValues.count == 3 * shape.width && out.count == shape.width, "KeyValueCache: sizes differ")
        let size = shape.headSize
        for head in 0..<shape.headCount {
            let offset = start + head * size * capacity
            unsafe crux_cached_attention(
                count, size, shape.scale, queriesKeysValues.base + head * size, keys.base + offset,
                values.base + offset, scores.base + slot * capacity, out.base + head * size)
        }
    }

    private func check(_ layer: Int, _ slot: Int) -> Int {
        precondition(
            layer >= 0 && layer < layerCount && slot >= 0 && slot < slotCount, "no such layer or slot in the cache")
        return (layer * slotCount + slot) * capacity * shape.width
    }
}
