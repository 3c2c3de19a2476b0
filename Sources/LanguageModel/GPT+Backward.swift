public import Kernels

extension GPT {
    /// Adds the gradient of every parameter to `gradients`.
    ///
    /// Call after ``forward(_:parameters:workspace:)`` of the same batch, with ``Workspace/logitsGradient`` set
    /// and, where something else hangs on the hidden states, ``Workspace/hiddenGradient``.
    ///
    /// - Parameters:
    ///   - batch: the forward pass' batch.
    ///   - parameters: the forward pass' parameters.
    ///   - gradients: added to, in the order of ``layout``.
    ///   - workspace: the forward pass' workspace, made for training.
    public func backward(
        _ batch: PackedBatch, parameters: FloatSlice, gradients: FloatSlice, workspace: Workspace
    ) {
        precondition(workspace.isForTraining, "a workspace made without training")
        precondition(workspace.configuration == configuration, "a workspace of another model")
        precondition(batch.tokenCount == workspace.tokenCount, "backward of another batch than forward")
        precondition(parameters.count == layout.count && gradients.count == layout.count, "slices of another model")
        backwardHead(parameters, gradients, workspace)
        for layer in (0..<configuration.layerCount).reversed() {
            let block = workspace.block(layer)
            backwardMLP(blocks[layer], block, parameters, gradients, workspace)
            backwardAttention(blocks[layer], block, batch.sequenceStarts, parameters, gradients, workspace)
        }
        Embedding.backward(
            workspace.streamGradient, tokens: batch.tokens.span, positions: batch.positions.span,
            width: configuration.embeddingSize, addingTo: tables(gradients))
    }

    /// From the logits to the residual stream after the last block.
    private func backwardHead(_ parameters: FloatSlice, _ gradients: FloatSlice, _ workspace: Workspace) {
        let width = configuration.embeddingSize
        let (hiddenGradient, recomputed) = workspace.narrowScratch
        Linear.inputGradient(
            workspace.logitsGradient, weight: parameters[tokenTable], inputWidth: width, into: hiddenGradient,
            scratch: workspace.linearScratch)
        Reduction.add(into: hiddenGradient, from: workspace.hiddenGradient)
        Linear.addWeightGradient(
            workspace.logitsGradient, input: workspace.hidden, inputWidth: width, to: gradients[tokenTable],
            scratch: workspace.linearScratch)
        workspace.streamGradient.fill(0)
        backwardNorm(
            hiddenGradient, workspace.stream, lastNorm, parameters, gradients, workspace.statistics, recomputed,
            workspace)
    }

    /// middle + mlp(ln_2(middle)): the stream's gradient moves from behind to before it.
    private func backwardMLP(
        _ ranges: BlockRanges, _ block: BlockActivations, _ parameters: FloatSlice, _ gradients: FloatSlice,
        _ workspace: Workspace
    ) {
        let width = configuration.embeddingSize
        let (normGradient, normalised) = workspace.narrowScratch
        let (expandedGradient, activated) = workspace.wideScratch(factor: 4)
        let streamGradient = workspace.streamGradient
        inputGradient(streamGradient, width, ranges.contraction, parameters, into: expandedGradient, workspace)
        Gelu.backward(
            expandedGradient, input: block.expanded, width: 4 * width, recomputing: activated,
            biasGradient: ranges.expansion.bias.map { gradients[$0] })
        weightGradient(streamGradient, width, activated, ranges.contraction, gradients, includingBias: true, workspace)
        inputGradient(expandedGradient, 4 * width, ranges.expansion, parameters, into: normGradient, workspace)
        backwardNorm(
            normGradient, block.middle, ranges.norm2, parameters, gradients, block.statistics2, normalised,
            workspace)
        weightGradient(
            expandedGradient, 4 * width, normalised, ranges.expansion, gradients, includingBias: false, workspace)
    }

    /// input + attention(ln_1(input)): the stream's gradient moves from behind to before it.
    private func backwardAttention(
        _ ranges: BlockRanges, _ block: BlockActivations, _ sequenceStarts: [Int], _ parameters: FloatSlice,
        _ gradients: FloatSlice, _ workspace: Workspace
    ) {
        let width = configuration.embeddingSize
        let (narrow, normalised) = workspace.narrowScratch
        let (wide, _) = workspace.wideScratch(factor: 3)
        let streamGradient = workspace.streamGradient
        inputGradient(streamGradient, width, ranges.attentionProjection, parameters, into: narrow, workspace)
        weightGradient(
            streamGradient, width, block.attended, ranges.attentionProjection, gradients, includingBias: true, workspace
        )
        CausalAttention.backward(
            narrow, out: block.attended, queriesKeysValues: block.queriesKeysValues, sequenceStarts: sequenceStarts,
            shape: attentionShape, scratch: workspace.attentionScratch, logSumExp: block.logSumExp, into: wide)
        inputGradient(wide, 3 * width, ranges.attention, parameters, into: narrow, workspace)
        backwardNorm(
            narrow, block.input, ranges.norm1, parameters, gradients, block.statistics1, normalised, workspace)
        weightGradient(wide, 3 * width, normalised, ranges.attention, gradients, includingBias: true, workspace)
    }

    /// Through a LayerNorm, adding to the stream's gradient.
    private func backwardNorm(
        _ gradient: FloatSlice, _ input: FloatSlice, _ ranges: WeightAndBias, _ parameters: FloatSlice,
        _ gradients: FloatSlice, _ statistics: LayerNorm.Statistics, _ recomputed: FloatSlice, _ workspace: Workspace
    ) {
        let (weight, bias) = ranges.slices(of: parameters)
        let (weightGradient, biasGradient) = ranges.slices(of: gradients)
        LayerNorm.backward(
            gradient, input: input, weight: weight, bias: bias, statistics: statistics,
            addingTo: workspace.streamGradient, recomputing: recomputed, weightGradient: weightGradient,
            biasGradient: biasGradient)
    }

    /// gradient · weight: [M, out] to [M, in].
    private func inputGradient(
        _ gradient: FloatSlice, _ width: Int, _ ranges: WeightAndBias, _ parameters: FloatSlice,
        into out: FloatSlice, _ workspace: Workspace
    ) {
        Linear.inputGradient(
            gradient, weight: parameters[ranges.weight], inputWidth: ranges.weight.count / width, into: out,
            scratch: workspace.linearScratch)
    }

    /// weight's gradient += gradientᵀ · input, [out, in]; the bias' gradient += column sums.
    private func weightGradient(
        _ gradient: FloatSlice, _ width: Int, _ input: FloatSlice, _ ranges: WeightAndBias, _ gradients: FloatSlice,
        includingBias: Bool, _ workspace: Workspace
    ) {
        Linear.addWeightGradient(
            gradient, input: input, inputWidth: ranges.weight.count / width, to: gradients[ranges.weight],
            scratch: workspace.linearScratch)
        if includingBias, let bias = ranges.bias { Bias.addGradient(of: gradient, to: gradients[bias]) }
    }
}
