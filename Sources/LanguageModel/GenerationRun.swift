internal import Kernels

/// Sequences on their way through the model, in the slots of one session.
struct GenerationRun {
    let model: GPT
    let parameters: FloatSlice
    let linear: LinearExecution
    let session: GenerationSession
    let sampling: SamplingOptions
    let stream: RandomStream.Key
    private var active: [Sequence] = []
    private var freeSlots: [Int]
    /// A request that was taken from the queue and found no room in the last prefill.
    private var pending: Int?

    /// A sequence in a slot of the cache.
    private struct Sequence: Sendable {
        let request: Int
        let slot: Int
        let limit: Int
        var position: Int
        /// Tokens in the cache.
        var cachedCount: Int
        var random: RandomStream
        var completion = Completion()
        /// Whether its logits were not numbers.
        var isInvalid = false

        var hasEnded: Bool { isInvalid || completion.isFinished || completion.tokens.count >= limit }
    }

    init(
        model: GPT, parameters: FloatSlice, linear: LinearExecution, session: GenerationSession, slotCount: Int,
        sampling: SamplingOptions, stream: RandomStream.Key
    ) {
        self.model = model
        self.parameters = parameters
        self.linear = linear
        self.session = session
        self.sampling = sampling
        self.stream = stream
        freeSlots = Array((0..<slotCount).reversed())
    }

    /// Completes requests of the queue until none is left; waiting ones take the slots of those that end.
    ///
    /// - Parameter finish: given a request's index and its completion, or nil where logits were not numbers.
    mutating func complete(_ queue: RequestQueue, stop: ([Int32]) -> Bool, finish: (Int, Completion?) -> Void) {
        while true {
            while !freeSlots.isEmpty, prefill(queue, stop: stop, finish: finish) {}
            if active.isEmpty { return }
            decode(stop: stop, finish: finish)
        }
    }

    /// Takes up as many of the waiting requests as there are slots and room for their prompts, and draws their
    /// first tokens. Returns whether there were any.
    private mutating func prefill(
        _ queue: RequestQueue, stop: ([Int32]) -> Bool, finish: (Int, Completion?) -> Void
    ) -> Bool {
        var batch = PackedBatch()
        var admitted: [Sequence] = []
        while let slot = freeSlots.last, let index = pending ?? queue.next() {
            pending = nil
            let request = queue.requests[index]
            let limit = request.newTokenLimit(contextLength: model.configuration.contextLength)
            if limit == 0 {
                finish(index, Completion())
                continue
            }
            guard batch.tokenCount + request.prompt.count <= session.size.prefillTokenCount else {
                pending = index
                break
            }
            freeSlots.removeLast()
            batch.append(request.prompt, firstPosition: request.startPosition)
            admitted.append(
                Sequence(
                    request: index, slot: slot, limit: limit,
                    position: request.startPosition + request.prompt.count, cachedCount: request.prompt.count,
                    random: RandomStream(stream, sample: request.sample)))
        }
        guard !admitted.isEmpty else { return false }

        let (workspace, cache, width) = (session.prefill, session.cache, model.configuration.embeddingSize)
        model.embed(batch.tokens.span, batch.positions.span, parameters, workspace)
        model.forwardBlocks(parameters, workspace, linear: linear) { layer, block in
            for (index, sequence) in admitted.enumerated() {
                let rows = batch.rows(of: index)
                cache.store(
                    block.queriesKeysValues[(rows.lowerBound * 3 * width)..<(rows.upperBound * 3 * width)],
                    layer: layer, slot: sequence.slot, first: 0)
            }
            CausalAttention.forward(
                block.queriesKeysValues, sequenceStarts: batch.sequenceStarts, shape: model.attentionShape,
                scratch: workspace.attentionScratch, logSumExp: block.logSumExp, into: block.attended)
        }
        // Only the last token of each prompt needs logits.
        session.decode.begin(rows: admitted.count)
        for index in admitted.indices {
            let row = batch.rows(of: index).upperBound - 1
            session.decode.hidden[(index * width)..<((index + 1) * width)].copy(
                from: workspace.hidden[(row * width)..<((row + 1) * width)])
        }
        model.forwardHead(parameters, session.decode, linear: linear)
        extend(&admitted, stop: stop, finish: finish)
        active += admitted
        return true
    }

    /// One more token for each active sequence.
    private mutating func decode(stop: ([Int32]) -> Bool, finish: (Int, Completion?) -> Void) {
        let (workspace, cache, width) = (session.decode, session.cache, model.configuration.embeddingSize)
        let tokens = active.map { $0.completion.tokens.last ?? 0 }
        let positions = active.map { Int32($0.position) }
        model.embed(tokens.span, positions.span, parameters, workspace)
        let places = active.map { (slot: $0.slot, cachedCount: $0.cachedCount) }
        model.forwardBlocks(parameters, workspace, linear: linear) { layer, block in
            @Sendable func attend(row: Int) {
                let (slot, cachedCount) = places[row]
                let queryKeyValue = block.queriesKeysValues[(row * 3 * width)..<((row + 1) * 3 * width)]
                cache.store(queryKeyValue, layer: layer, slot: slot, first: cachedCount)
                cache.attend(
                    queryKeyValue, layer: layer, slot: slot, count: cachedCount + 1,
                    into: block.attended[(row * width)..<((row + 1) * width)])
            }
            if let pool = linear.pool {
                pool.run(taskCount: places.count) { row, _ in attend(row: row) }
            } else {
                for row in places.indices { attend(row: row) }
            }
        }
        model.forwardHead(parameters, workspace, linear: linear)
        for index in active.indices {
            active[index].position += 1
            active[index].cachedCount += 1
        }
        var extended: [Sequence] = []
        swap(&extended, &active)
        extend(&extended, stop: stop, finish: finish)
        swap(&extended, &active)
    }

    /// Chooses a token for each sequence from the decode workspace's logits, and lets go of those that end.
    private mutating func extend(
        _ sequences: inout [Sequence], stop: ([Int32]) -> Bool, finish: (Int, Completion?) -> Void
    ) {
        let (logits, vocabulary) = (session.decode.logits, model.configuration.vocabularySize)
        let isGreedy = sampling.temperature == 0
        let greedyTokens =
            isGreedy
            ? sequences.indices.map { row in
                logits[(row * vocabulary)..<((row + 1) * vocabulary)].withSpan { SamplingOptions.mostProbable($0) }
            } : []
        Softmax.logProbabilities(
            logits, width: vocabulary, temperature: isGreedy ? 1 : sampling.temperature, into: logits)
        var hasEnded = false
        for row in sequences.indices {
            let logProbs = logits[(row * vocabulary)..<((row + 1) * vocabulary)]
            let token: Int
            if isGreedy {
                token = greedyTokens[row]
            } else {
                let uniform = sequences[row].random.nextUnit()
                token = logProbs.withSpan { sampling.draw($0, uniform: uniform) }
            }
            let logProb = logProbs[token]
            if logProb.isFinite {
                sequences[row].completion.tokens.append(Int32(token))
                sequences[row].completion.logProbs.append(logProb)
                sequences[row].completion.isFinished = stop(sequences[row].completion.tokens)
                guard sequences[row].hasEnded else { continue }
                finish(sequences[row].request, sequences[row].completion)
            } else {
                finish(sequences[row].request, nil)
                sequences[row].isInvalid = true
            }
            freeSlots.append(sequences[row].slot)
            hasEnded = true
        }
        if hasEnded { sequences.removeAll { $0.hasEnded } }
    }
}
