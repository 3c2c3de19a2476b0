public import Kernels
internal import Synchronization

/// All memory that passes of one model need, planned once: activations, gradients of activations, scratch.
///
/// One call at a time may use it; give each worker its own. After a forward pass the views cover the M tokens
/// of its batch.
public final class Workspace: Sendable {
    /// The largest batch, in tokens.
    public let maximumTokenCount: Int
    /// The longest sequence.
    public let maximumSequenceLength: Int
    /// Whether a backward pass is possible.
    public let isForTraining: Bool

    let configuration: ModelConfiguration
    private let usedRows = Atomic<Int>(0)
    private let blocks: [BlockActivations]
    private let hiddenStore: FloatSlice
    private let logitsStore: FloatSlice
    private let lossesStore: FloatSlice
    private let logitsGradientStore: FloatSlice
    private let hiddenGradientStore: FloatSlice
    /// The residual stream after the last block, [M, C].
    private let streamStore: FloatSlice
    private let lastStatistics: LayerNorm.Statistics
    private let wide1: FloatSlice
    private let wide2: FloatSlice
    private let narrow1: FloatSlice
    private let narrow2: FloatSlice
    private let streamGradientStore: FloatSlice
    /// Scratch of the attention kernels.
    let attentionScratch: FloatSlice
    /// Scratch of the linear layers.
    let linearScratch: FloatSlice

    init(
        _ configuration: ModelConfiguration, maximumTokenCount: Int, maximumSequenceLength: Int, forTraining: Bool
    ) {
        precondition(maximumTokenCount >= 1 && maximumSequenceLength >= 1, "a workspace for nothing")
        self.configuration = configuration
        self.maximumTokenCount = maximumTokenCount
        self.maximumSequenceLength = maximumSequenceLength
        isForTraining = forTraining
        let (rows, width) = (maximumTokenCount, configuration.embeddingSize)
        let vocabulary = configuration.vocabularySize
        // Arenas per use rather than one: pages of parts that a run never touches stay untouched.
        func allocate(_ count: Int) -> FloatSlice { FloatArena(count: count).all }
        func statistics() -> LayerNorm.Statistics {
            LayerNorm.Statistics(mean: allocate(rows), reciprocalDeviation: allocate(rows))
        }
        let stream = allocate(rows * width)
        let inference = forTraining ? nil : stream
        blocks = (0..<(forTraining ? configuration.layerCount : 1)).map { _ in
            BlockActivations(
                input: inference ?? allocate(rows * width), statistics1: statistics(),
                queriesKeysValues: allocate(rows * 3 * width), logSumExp: allocate(rows * configuration.headCount),
                attended: allocate(rows * width), middle: inference ?? allocate(rows * width),
                statistics2: statistics(), expanded: allocate(rows * 4 * width))
        }
        streamStore = stream
        hiddenStore = allocate(rows * width)
        logitsStore = allocate(rows * vocabulary)
        lastStatistics = statistics()
        narrow1 = allocate(rows * width)
        narrow2 = allocate(rows * width)
        let scratch = Self.scratchCounts(configuration, maximumSequenceLength: maximumSequenceLength)
        attentionScratch = allocate(scratch.attention)
        linearScratch = allocate(scratch.linear)
        wide1 = allocate(forTraining ? rows * 4 * width : 0)
        wide2 = allocate(forTraining ? rows * 4 * width : 0)
        streamGradientStore = allocate(forTraining ? rows * width : 0)
        lossesStore = allocate(rows)
        logitsGradientStore = allocate(forTraining ? rows * vocabulary : 0)
        hiddenGradientStore = allocate(forTraining ? rows * width : 0)
    }

    /// M of the last forward pass.
    public var tokenCount: Int { usedRows.load(ordering: .relaxed) }

    /// The hidden states after the last LayerNorm, [M, C].
    public var hidden: FloatSlice { hiddenStore.prefix(tokenCount * configuration.embeddingSize) }

    /// hidden · wteᵀ, [M, V].
    public var logits: FloatSlice { logitsStore.prefix(tokenCount * configuration.vocabularySize) }

    /// Scratch for a loss of each row, [M].
    public var losses: FloatSlice { lossesStore.prefix(tokenCount) }

    /// What the backward pass starts from: the loss' gradient with respect to ``logits``, [M, V]. Set by the caller.
    public var logitsGradient: FloatSlice { logitsGradientStore.prefix(tokenCount * configuration.vocabularySize) }

    /// A further gradient with respect to ``hidden``, from a critic for instance, [M, C]. Zero until the caller
    /// sets it; the backward pass only reads it.
    public var hiddenGradient: FloatSlice { hiddenGradientStore.prefix(tokenCount * configuration.embeddingSize) }

    /// The bytes of all buffers.
    public static func byteCount(
        _ configuration: ModelConfiguration, maximumTokenCount: Int, maximumSequenceLength: Int, forTraining: Bool
    ) -> Int {
        let width = configuration.embeddingSize
        let block = 9 * width + configuration.headCount + 4
        let perToken =
            forTraining
            ? configuration.layerCount * (block + width) + 14 * width + 2 * configuration.vocabularySize + 3
            : block - width + 4 * width + configuration.vocabularySize + 3
        let scratch = scratchCounts(configuration, maximumSequenceLength: maximumSequenceLength)
        return MemoryLayout<Float>.stride * (maximumTokenCount * perToken + scratch.attention + scratch.linear)
    }

    private static func scratchCounts(
        _ configuration: ModelConfiguration, maximumSequenceLength: Int
    ) -> (attention: Int, linear: Int) {
        (
            CausalAttention.scratchCount(
                maximumSequenceLength: maximumSequenceLength,
                headSize: configuration.embeddingSize / configuration.headCount),
            Linear.scratchCount(maximumWidth: max(4 * configuration.embeddingSize, configuration.vocabularySize))
        )
    }

    /// Sets M for the passes to come.
    func begin(rows: Int) {
        precondition(rows <= maximumTokenCount, "a batch of \(rows) tokens in a workspace for \(maximumTokenCount)")
        usedRows.store(rows, ordering: .relaxed)
    }

    /// The activations of a block, cut to M rows; without training, the same for all blocks.
    func block(_ layer: Int) -> BlockActivations {
        blocks[isForTraining ? layer : 0].prefix(rows: tokenCount, configuration)
    }

    /// The residual stream after the last block, [M, C].
    var stream: FloatSlice { streamStore.prefix(tokenCount * configuration.embeddingSize) }

    /// The gradient of the residual stream, [M, C].
    var streamGradient: FloatSlice { streamGradientStore.prefix(tokenCount * configuration.embeddingSize) }

    /// Statistics of the last LayerNorm.
    var statistics: LayerNorm.Statistics { lastStatistics.prefix(tokenCount) }

    /// Two scratch matrices [M, C].
    var narrowScratch: (FloatSlice, FloatSlice) {
        let count = tokenCount * configuration.embeddingSize
        return (narrow1.prefix(count), narrow2.prefix(count))
    }

    /// Two scratch matrices [M, factor · C], up to 4C; for training only.
    func wideScratch(factor: Int) -> (FloatSlice, FloatSlice) {
        let count = tokenCount * factor * configuration.embeddingSize
        return (wide1.prefix(count), wide2.prefix(count))
    }

    /// Where the forward pass puts GELU's output: kept nowhere, for the backward pass computes it again.
    func activated(_ block: BlockActivations) -> FloatSlice {
        isForTraining ? wideScratch(factor: 4).0 : block.expanded
    }
}

/// What one block keeps of a forward pass for its backward pass: 10 C floats a token. The outputs of the two
/// LayerNorms and of GELU are computed again, which costs little as their gradients need the same terms.
struct BlockActivations: Sendable {
    /// The residual stream at the block's start, [M, C].
    let input: FloatSlice
    let statistics1: LayerNorm.Statistics
    /// Q, K, V side by side, [M, 3C].
    let queriesKeysValues: FloatSlice
    /// [heads, M].
    let logSumExp: FloatSlice
    /// Attention's output before its projection, [M, C].
    let attended: FloatSlice
    /// The residual stream between attention and MLP, [M, C].
    let middle: FloatSlice
    let statistics2: LayerNorm.Statistics
    /// The MLP before GELU, [M, 4C].
    let expanded: FloatSlice

    /// The first rows of everything.
    func prefix(rows: Int, _ configuration: ModelConfiguration) -> BlockActivations {
        let width = configuration.embeddingSize
        return BlockActivations(
            input: input.prefix(rows * width), statistics1: statistics1.prefix(rows),
            queriesKeysValues: queriesKeysValues.prefix(rows * 3 * width),
            logSumExp: logSumExp.prefix(rows * configuration.headCount), attended: attended.prefix(rows * width),
            middle: middle.prefix(rows * width), statistics2: statistics2.prefix(rows),
            expanded: expanded.prefix(rows * 4 * width))
    }
}
