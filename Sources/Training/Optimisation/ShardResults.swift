import Synchronization

/// A place for each micro-shard's result, filled from several threads and read in order afterwards.
final class ShardResults<Value: Sendable>: Sendable {
    private let values: Mutex<[Value?]>

    init(count: Int) { values = Mutex(Array(repeating: nil, count: count)) }

    /// Stores the result of one micro-shard.
    func set(_ value: Value, at shard: Int) { values.withLock { $0[shard] = value } }

    /// The results in the order of the micro-shards.
    var ordered: [Value] { values.withLock { $0.compactMap { $0 } } }
}
