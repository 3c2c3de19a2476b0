internal import Kernels

/// One group of requests on its way through the model.
struct GenerationRun {
    let model: GPT
    let parameters: FloatSlice
    let session: GenerationSession
    let sampling: SamplingOptions
    let stream: RandomStream.Key
    private var active: [Sequence] = []
    private var freeSlots: [Int]

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
    }

    init(
        model: GPT, parameters: FloatSlice, session: GenerationSession, sampling: SamplingOptions,
        stream: RandomStream.Key
    ) {
        self.model = model
        self.parameters = parameters
        self.session = session
        self.sampling = sampling
        self.stream = stream
        freeSlots = Array((0..<session.plan.slotCount).reversed())
    }

    /// Completes the requests of a group; waiting ones take the slots of those that end.
    ///
    /// - Parameter finish: given a request's index and its completion, or nil where logits were not numbers.
    mutating func complete(
        _ requests: [GenerationRequest], _ group: Range<Int>, stop: ([Int32]) -> Bool,
        finish: (Int, Completion?) -> Void
    ) {
        var next = group.lowerBound
        while next < group.upperBound || !active.isEmpty {
            while next < group.upperBound, !freeSlots.isEmpty {
                next = prefill(requests, next..<group.upperBound, stop: stop, finish: finish)
            }
            if !active.isEmpty { decode(stop: stop, finish: finish) }
        }
    }

    /// Takes up as many of the waiting requests as there are slots and room for their prompts, and draws their
    /// first tokens. Returns the first request still waiting.
    private mutating func prefill(
        _ requests: [GenerationRequest], _ waiting: Range<Int>, stop: ([Int32]) -> Bool,
        finish: (Int, Completion?) -> Void
    ) -> Int {
        var batch = PackedBatch()
        var admitted: [Sequence] = []
        var next = waiting.lowerBound
        while next < waiting.upperBound {
            let request = requests[next]
            let limit = request.newTokenLimit(contextLength: model.configuration.contextLength)
            if limit == 0 {
                finish(next, Completion())
            } else {
                guard batch.tokenCount + request.prompt.count <= session.plan.prefillTokenCount,
                    let slot = freeSlots.popLast()
                else { break }
                batch.append(request.prompt, firstPosition: request.startPosition)
                admitted.append(
                    Sequence(
                        request: next, slot: slot, limit: limit,
                        position: request.startPosition + request.prompt.count, cachedCount: request.prompt.count,
                        random: RandomStream(stream, sample: request.sample)))
            }
            next += 1
        }
        guard !admitted.isEmpty else { return next }

        let (workspace, cache, width) = (session.prefill, session.cache, model.configuration.embeddingSize)
        model.embed(batch.tokens.span, batch.positions.span, parameters, workspace)
        model.forwardBlocks(parameters, workspace, linear: session.linear) { layer, block in
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
        model.forwardHead(parameters, session.decode)
        extend(&admitted, stop: stop, finish: finish)
        active += admitted
        return next
    }

    /// One more token for each active sequence.
    private mutating func decode(stop: ([Int32]) -> Bool, finish: (Int, Completion?) -> Void) {
        let (workspace, cache, width) = (session.decode, session.cache, model.configuration.embeddingSize)
        let tokens = active.map { $0.completion.tokens.last ?? 0 }
        let positions = active.map { Int32($0.position) }
        model.embed(tokens.span, positions.span, parameters, workspace)
        let (sequences, scratch) = (active, session.scratch)
        model.forwardBlocks(parameters, workspace, linear: session.linear) { layer, block in
            @Sendable func attend(row: Int, worker: Int) {
                let sequence = sequences[row]
                let queryKeyValue = block.queriesKeysValues[(row * 3 * width)..<((row + 1) * 3 * width)]
                cache.store(queryKeyValue, layer: layer, slot: sequence.slot, first: sequence.cachedCount)
                cache.attend(
                    queryKeyValue, layer: layer, slot: sequence.slot, count: sequence.cachedCount + 1,
                    scratch: scratch[worker], into: block.attended[(row * width)..<((row + 1) * width)])
            }
            if let pool = session.linear.pool {
                pool.run(taskCount: sequences.count) { row, worker in attend(row: row, worker: worker) }
            } else {
                for row in sequences.indices { attend(row: row, worker: 0) }
            }
        }
        model.forwardHead(parameters, workspace)
        for index in active.indices {
            active[index].position += 1
            active[index].cachedCount += 1
        }
        var extended = active
        active = []
        extend(&extended, stop: stop, finish: finish)
        active = extended
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
        var remaining: [Sequence] = []
        remaining.reserveCapacity(sequences.count)
        for (row, var sequence) in sequences.enumerated() {
            let logProbs = logits[(row * vocabulary)..<((row + 1) * vocabulary)]
            let token: Int
            if isGreedy {
                token = greedyTokens[row]
            } else {
                let uniform = sequence.random.nextUnit()
                token = logProbs.withSpan { sampling.draw($0, uniform: uniform) }
            }
            let logProb = logProbs[token]
            guard logProb.isFinite else {
                finish(sequence.request, nil)
                freeSlots.append(sequence.slot)
                continue
            }
            sequence.completion.tokens.append(Int32(token))
            sequence.completion.logProbs.append(logProb)
            sequence.completion.isFinished = stop(sequence.completion.tokens)
            if sequence.completion.isFinished || sequence.completion.tokens.count >= sequence.limit {
                finish(sequence.request, sequence.completion)
                freeSlots.append(sequence.slot)
            } else {
                remaining.append(sequence)
            }
        }
        sequences = remaining
    }
}
