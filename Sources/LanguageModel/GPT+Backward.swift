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
        let (rows, width) = (workspace.tokenCount, configuration.embeddingSize)
        let logitsGradient = MatrixView(
            workspace.logitsGradient, rows: rows, columns: configuration.vocabularySize)
        let (hiddenGradient, recomputed) = workspace.narrowScratch
        hiddenGradient.copy(from: workspace.hiddenGradient)
        Matmul.multiply(
            logitsGradient, MatrixView(parameters[tokenTable], rows: configuration.vocabularySize, columns: width),
            into: MatrixView(hiddenGradient, rows: rows, columns: width), accumulate: true)
        Matmul.multiply(
            logitsGradient.transposed, MatrixView(workspace.hidden, rows: rows, columns: width),
            into: MatrixView(gradients[tokenTable], rows: configuration.vocabularySize, columns: width),
            accumulate: true)
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
        inputGradient(streamGradient, width, ranges.contraction, parameters, into: expandedGradient)
        Gelu.backward(
            expandedGradient, input: block.expanded, width: 4 * width, recomputing: activated,
            biasGradient: ranges.expansion.bias.map { gradients[$0] })
        weightGradient(streamGradient, width, activated, ranges.contraction, gradients, includingBias: true)
        inputGradient(expandedGradient, 4 * width, ranges.expansion, parameters, into: normGradient)
        backwardNorm(
            normGradient, block.middle, ranges.norm2, parameters, gradients, block.statistics2, normalised,
            workspace)
        weightGradient(expandedGradient, 4 * width, normalised, ranges.expansion, gradients, includingBias: false)
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
        inputGradient(streamGradient, width, ranges.attentionProjection, parameters, into: narrow)
        weightGradient(
            streamGradient, width, block.attended, ranges.attentionProjection, gradients, includingBias: true)
        CausalAttention.backward(
            narrow, out: block.attended, queriesKeysValues: block.queriesKeysValues, sequenceStarts: sequenceStarts,
            shape: attentionShape, scratch: workspace.attentionScratch, logSumExp: block.logSumExp, into: wide)
        inputGradient(wide, 3 * width, ranges.attention, parameters, into: narrow)
        backwardNorm(
            narrow, block.input, ranges.norm1, parameters, gradients, block.statistics1, normalised, workspace)
        weightGradient(wide, 3 * width, normalised, ranges.attention, gradients, includingBias: true)
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
        into out: FloatSlice
    ) {
        let (rows, inputWidth) = (gradient.count / width, ranges.weight.count / width)
        Matmul.multiply(
            MatrixView(gradient, rows: rows, columns: width),
            MatrixView(parameters[ranges.weight], rows: width, columns: inputWidth),
            into: MatrixView(out, rows: rows, columns: inputWidth))
    }

    /// weight's gradient += gradientᵀ · input, [out, in]; the bias' gradient += column sums.
    private func weightGradient(
        _ gradient: FloatSlice, _ width: Int, _ input: FloatSlice, _ ranges: WeightAndBias, _ gradients: FloatSlice,
        includingBias: Bool
    ) {
        let (rows, inputWidth) = (gradient.count / width, ranges.weight.count / width)
        Matmul.multiply(
            MatrixView(gradient, rows: rows, columns: width).transposed,
            MatrixView(input, rows: rows, columns: inputWidth),
            into: MatrixView(gradients[ranges.weight], rows: width, columns: inputWidth), accumulate: true)
        if includingBias, let bias = ranges.bias { Bias.addGradient(of: gradient, to: gradients[bias]) }
    }
}
