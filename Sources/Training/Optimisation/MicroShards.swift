package import Kernels

/// How a step's sequences are cut into micro-shards, the unit of work of a lane.
///
/// The cut depends on the sequences and the configuration only, never on the number of workers.
package struct MicroShards: Hashable, Sendable {
    /// The sequences of each micro-shard, in order; together all sequences.
    package let ranges: [Range<Int>]
    /// The number of lanes that get work.
    package let laneCount: Int

    /// Fills micro-shards with whole sequences up to `tokensPerShard`; a longer sequence is one of its own.
    package init(sequenceLengths: [Int], tokensPerShard: Int, laneCount: Int) {
        var ranges: [Range<Int>] = []
        var start = 0
        var tokens = 0
        for (sequence, length) in sequenceLengths.enumerated() {
            if sequence > start, tokens + length > tokensPerShard {
                ranges.append(start..<sequence)
                (start, tokens) = (sequence, 0)
            }
            tokens += length
        }
        if start < sequenceLengths.count { ranges.append(start..<sequenceLengths.count) }
        self.ranges = ranges
        self.laneCount = min(laneCount, ranges.count)
    }

    /// Runs each micro-shard on its lane: micro-shard i belongs to lane i mod laneCount, whose micro-shards one
    /// worker runs in order.
    package func run(on pool: WorkerPool, _ body: @Sendable (_ shard: Int, _ lane: Int, _ worker: Int) -> Void) {
        guard laneCount > 0 else { return }
        pool.run(taskCount: laneCount) { lane, worker in
            for shard in stride(from: lane, to: ranges.count, by: laneCount) { body(shard, lane, worker) }
        }
    }
}
