internal import Kernels

/// A GPT-2 model: pre-LN blocks, GELU (tanh), learned positions, head tied to the token embedding.
///
/// The value holds sizes only. Parameters and gradients are flat slices in the order of ``layout``; activations
/// live in a ``Workspace``. A call runs on its own thread alone: parallelism is calls on different workspaces.
public struct GPT: Sendable {
    /// The model's size.
    public let configuration: ModelConfiguration
    /// Where each parameter lies in a slice of parameters or gradients.
    public let layout: ParameterLayout
    let attentionShape: CausalAttention.Shape
    let blocks: [BlockRanges]
    let tokenTable: Range<Int>
    let positionTable: Range<Int>
    let lastNorm: WeightAndBias

    /// Plans a model.
    ///
    /// - Throws: ``ModelError`` naming the field that is out of range.
    public init(_ configuration: ModelConfiguration) throws(ModelError) {
        let layout = try ParameterLayout.gpt2(configuration)
        func find(_ name: String) throws(ModelError) -> Range<Int> {
            guard let entry = layout[name] else {
                throw ModelError(field: name, found: "no such parameter", expected: "one of GPT-2's")
            }
            return entry.range
        }
        func pair(_ name: String) throws(ModelError) -> WeightAndBias {
            WeightAndBias(
                weight: try find(name + ".weight"), bias: configuration.usesBiases ? try find(name + ".bias") : nil)
        }
        var blocks: [BlockRanges] = []
        for layer in 0..<configuration.layerCount {
            let prefix = "h.\(layer)."
            blocks.append(
                BlockRanges(
                    norm1: try pair(prefix + "ln_1"), attention: try pair(prefix + "attn.c_attn"),
                    attentionProjection: try pair(prefix + "attn.c_proj"), norm2: try pair(prefix + "ln_2"),
                    expansion: try pair(prefix + "mlp.c_fc"), contraction: try pair(prefix + "mlp.c_proj")))
        }
        self.configuration = configuration
        self.layout = layout
        self.blocks = blocks
        attentionShape = CausalAttention.Shape(
            width: configuration.embeddingSize, headCount: configuration.headCount)
        tokenTable = try find("wte.weight")
        positionTable = try find("wpe.weight")
        lastNorm = try pair("ln_f")
    }

    /// Plans all memory of forward and backward passes of up to so many tokens; nothing is allocated later.
    ///
    /// - Parameters:
    ///   - maximumTokenCount: M of the largest batch.
    ///   - maximumSequenceLength: the longest sequence in a batch.
    ///   - forTraining: whether ``backward(_:parameters:gradients:workspace:)`` will be called; without it, one
    ///     block's activations serve all blocks.
    public func makeWorkspace(maximumTokenCount: Int, maximumSequenceLength: Int, forTraining: Bool) -> Workspace {
        Workspace(
            configuration, maximumTokenCount: maximumTokenCount, maximumSequenceLength: maximumSequenceLength,
            forTraining: forTraining)
    }
}

/// Where a layer's weight and bias lie.
struct WeightAndBias: Sendable {
    let weight: Range<Int>
    let bias: Range<Int>?

    /// The two in a slice of parameters or gradients.
    func slices(of all: FloatSlice) -> (weight: FloatSlice, bias: FloatSlice?) { (all[weight], bias.map { all[$0] }) }
}

/// Where one block's parameters lie.
struct BlockRanges: Sendable {
    let norm1: WeightAndBias
    /// c_attn: Q, K and V in one, [3C, C].
    let attention: WeightAndBias
    /// attn.c_proj, [C, C].
    let attentionProjection: WeightAndBias
    let norm2: WeightAndBias
    /// c_fc, [4C, C].
    let expansion: WeightAndBias
    /// mlp.c_proj, [C, 4C].
    let contraction: WeightAndBias
}
