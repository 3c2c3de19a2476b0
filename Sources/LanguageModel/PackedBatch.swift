/// Sequences of different lengths laid one after another, without padding.
///
/// M tokens in all; attention stays inside a sequence; a sequence's positions may start anywhere.
public struct PackedBatch: Sendable, Hashable {
    /// The tokens of all sequences, [M].
    public private(set) var tokens: [Int32] = []
    /// Each token's position, the row of `wpe.weight`, [M].
    public private(set) var positions: [Int32] = []
    /// Where each sequence starts in ``tokens``, and M at the end: one more than there are sequences.
    public private(set) var sequenceStarts: [Int] = [0]

    /// An empty batch.
    public init() {}

    /// Appends a sequence whose first token stands at `firstPosition`.
    public mutating func append(_ sequence: some Collection<Int32>, firstPosition: Int = 0) {
        tokens.append(contentsOf: sequence)
        let position = Int32(clamping: firstPosition)
        positions.append(contentsOf: (0..<Int32(clamping: sequence.count)).map { position + $0 })
        sequenceStarts.append(tokens.count)
    }

    /// M, the number of tokens of all sequences.
    public var tokenCount: Int { tokens.count }

    /// The number of sequences.
    public var sequenceCount: Int { sequenceStarts.count - 1 }

    /// The rows of one sequence.
    public func rows(of sequence: Int) -> Range<Int> { sequenceStarts[sequence]..<sequenceStarts[sequence + 1] }

    /// The length of the longest sequence.
    public var maximumSequenceLength: Int {
        (0..<sequenceCount).lazy.map { rows(of: $0).count }.max() ?? 0
    }

    /// Checks that a model of this size can take the batch.
    ///
    /// - Throws: ``ModelError`` naming the first token or position out of range.
    public func validate(for configuration: ModelConfiguration) throws(ModelError) {
        for (row, token) in tokens.enumerated() where token < 0 || token >= configuration.vocabularySize {
            throw ModelError(
                field: "tokens[\(row)]", found: "\(token)", expected: "0..<\(configuration.vocabularySize)")
        }
        for (row, position) in positions.enumerated() where position < 0 || position >= configuration.contextLength {
            throw ModelError(
                field: "positions[\(row)]", found: "\(position)",
                expected: "0..<\(configuration.contextLength), the model's context length")
        }
    }
}
