public import Kernels

extension GPT {
    /// Computes hidden states and logits of every token.
    ///
    /// Fills ``Workspace/hidden`` [M, C] and ``Workspace/logits`` [M, V]. The batch must fit the workspace and
    /// the model (``PackedBatch/validate(for:)`` tells; here it is a precondition).
    ///
    /// - Parameters:
    ///   - batch: M tokens in sequences.
    ///   - parameters: in the order of ``layout``.
    ///   - workspace: made by this model.
    public func forward(_ batch: PackedBatch, parameters: FloatSlice, workspace: Workspace) {
        precondition(
            batch.maximumSequenceLength <= workspace.maximumSequenceLength, "a sequence too long for the workspace")
        embed(batch.tokens.span, batch.positions.span, parameters, workspace)
        forwardBlocks(parameters, workspace) { _, block in
            CausalAttention.forward(
                block.queriesKeysValues, sequenceStarts: batch.sequenceStarts, shape: attentionShape,
                scratch: workspace.attentionScratch, logSumExp: block.logSumExp, into: block.attended)
        }
        forwardHead(parameters, workspace)
    }

    /// The residual stream's start: token and position embeddings, [M, C].
    func embed(
        _ tokens: Span<Int32>, _ positions: Span<Int32>, _ parameters: FloatSlice, _ workspace: Workspace
    ) {
        precondition(workspace.configuration == configuration, "a workspace of another model")
        precondition(parameters.count == layout.count, "parameters of another model")
        workspace.begin(rows: tokens.count)
        Embedding.forward(
            tokens: tokens, positions: positions, tables: tables(parameters), width: configuration.embeddingSize,
            into: workspace.block(0).input)
    }

    /// The blocks and the last LayerNorm: from the first block's input to ``Workspace/hidden``.
    ///
    /// - Parameters:
    ///   - linear: how the linear layers are computed.
    ///   - attend: fills a block's `attended` from its `queriesKeysValues`.
    func forwardBlocks(
        _ parameters: FloatSlice, _ workspace: Workspace, linear: LinearExecution = LinearExecution(),
        attend: (_ layer: Int, _ block: BlockActivations) -> Void
    ) {
        let width = configuration.embeddingSize
        let epsilon = configuration.layerNormEpsilon
        let (branch, normalised) = workspace.narrowScratch
        for layer in 0..<configuration.layerCount {
            let ranges = blocks[layer]
            let block = workspace.block(layer)
            // The previous block's MLP joins the residual stream here.
            normalise(
                layer == 0
                    ? (block.input, nil) : (workspace.block(layer - 1).middle, (addend: branch, sum: block.input)),
                ranges.norm1, parameters, epsilon, normalised, block.statistics1)
            let packed = linear.weights?.blocks[layer]
            multiply(
                normalised, width, ranges.attention, parameters, block.queriesKeysValues, addingBias: true,
                packed?.attention, linear, workspace)
            attend(layer, block)
            multiply(
                block.attended, width, ranges.attentionProjection, parameters, branch, addingBias: true,
                packed?.attentionProjection, linear, workspace)
            normalise(
                (block.input, (addend: branch, sum: block.middle)), ranges.norm2, parameters, epsilon, normalised,
                block.statistics2)
            multiply(
                normalised, width, ranges.expansion, parameters, block.expanded, addingBias: false,
                packed?.expansion, linear, workspace)
            let activated = workspace.activated(block)
            Gelu.forward(
                addingBias: ranges.expansion.bias.map { parameters[$0] }, to: block.expanded, width: 4 * width,
                into: activated)
            multiply(
                activated, 4 * width, ranges.contraction, parameters, branch, addingBias: true,
                packed?.contraction, linear, workspace)
        }
        normalise(
            (workspace.block(configuration.layerCount - 1).middle, (addend: branch, sum: workspace.stream)),
            lastNorm, parameters, epsilon, workspace.hidden, workspace.statistics)
    }

    /// Logits of all rows: hidden · wteᵀ.
    func forwardHead(
        _ parameters: FloatSlice, _ workspace: Workspace, linear: LinearExecution = LinearExecution()
    ) {
        if let head = linear.weights?.head {
            head.multiply(workspace.hidden, addingBias: nil, into: workspace.logits, pool: linear.pool)
            return
        }
        Linear.forward(
            workspace.hidden, inputWidth: configuration.embeddingSize, weight: parameters[tokenTable], bias: nil,
            into: workspace.logits, scratch: workspace.linearScratch)
    }

    /// The embedding tables in a slice of parameters or gradients.
    func tables(_ parameters: FloatSlice) -> Embedding.Tables {
        Embedding.Tables(tokens: parameters[tokenTable], positions: parameters[positionTable])
    }

    /// LayerNorm of a matrix, or of a sum that is kept.
    private func normalise(
        _ input: (FloatSlice, adding: (addend: FloatSlice, sum: FloatSlice)?), _ ranges: WeightAndBias,
        _ parameters: FloatSlice, _ epsilon: Float, _ out: FloatSlice, _ statistics: LayerNorm.Statistics
    ) {
        let (weight, bias) = ranges.slices(of: parameters)
        LayerNorm.forward(
            input.0, adding: input.adding, weight: weight, bias: bias, epsilon: epsilon, into: out,
            statistics: statistics)
    }

    /// out = input · weightᵀ [+ bias]: [M, in] to [M, out].
    private func multiply(
        _ input: FloatSlice, _ inputWidth: Int, _ ranges: WeightAndBias, _ parameters: FloatSlice,
        _ out: FloatSlice, addingBias: Bool, _ packed: PackedMatrix?, _ linear: LinearExecution,
        _ workspace: Workspace
    ) {
        let (weight, bias) = ranges.slices(of: parameters)
        if let packed {
            packed.multiply(input, addingBias: addingBias ? bias : nil, into: out, pool: linear.pool)
        } else {
            Linear.forward(
                input, inputWidth: inputWidth, weight: weight, bias: addingBias ? bias : nil, into: out,
                scratch: workspace.linearScratch)
        }
    }
}
