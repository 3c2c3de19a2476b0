internal import Kernels
internal import LanguageModel
internal import Tasks

/// A sequence and which of its tokens are to be scored.
struct ScorableSequence: Sendable {
    /// The tokens in the reference's numbers, at most as many as both models have positions.
    let tokens: [Int32]
    /// The tokens to score; each has one before it.
    let scored: Range<Int>
    /// Critical tokens by their place in ``tokens``.
    var critical: [Int: AdditionTask.LabelledToken] = [:]
    /// The place in the scratchpad of each scored token; empty for other texts.
    var places: [ScratchpadPlace] = []
    /// How the answer ended; nil for a text.
    var outcome: String?
}

/// Compares two models' distributions token by token.
struct SequenceScorer: Sendable {
    let models: PairedModels
    let alignment: VocabularyAlignment
    let temperature: Float
    let beta: Float

    /// What the comparison of one token found.
    private struct Score: Sendable {
        let divergence: TokenDivergence
        /// The probability of what the other model lacks.
        let policyExcludedMass: Double
        let referenceExcludedMass: Double
    }

    /// The divergences of each sequence, in order, and the mean probability that each model gives to tokens that the
    /// other lacks.
    ///
    /// - Throws: ``AnalysisError`` naming a model whose logits are not numbers, and a token that the policy lacks.
    func score(
        _ sequences: [ScorableSequence], pool: WorkerPool, progress: @Sendable (Int) -> Void
    ) throws(AnalysisError) -> (sequences: [SequenceDivergence], excludedMass: (policy: Double, reference: Double)) {
        var texts: [PairedModels.Text] = []
        texts.reserveCapacity(sequences.count)
        for (number, sequence) in sequences.enumerated() {
            texts.append(
                PairedModels.Text(
                    policyTokens: try policyTokens(sequence, number), referenceTokens: sequence.tokens,
                    scored: sequence.scored))
        }
        let scores = try models.map(texts, pool: pool, progress: progress) {
            number, position, policyLogits, referenceLogits, rows throws(AnalysisError) in
            try score(
                sequences[number], number: number, position: position, policyLogits: policyLogits,
                referenceLogits: referenceLogits, rows: &rows)
        }
        let all = scores.joined()
        let count = Double(max(1, all.count))
        return (
            zip(sequences, scores).map { sequence, scores in
                SequenceDivergence(
                    prompt: models.reference.tokenizer.decode(sequence.tokens[..<sequence.scored.lowerBound]),
                    tokens: scores.map(\.divergence), outcome: sequence.outcome)
            },
            (
                all.reduce(0) { $0 + $1.policyExcludedMass } / count,
                all.reduce(0) { $0 + $1.referenceExcludedMass } / count
            )
        )
    }

    private func policyTokens(_ sequence: ScorableSequence, _ number: Int) throws(AnalysisError) -> [Int32] {
        if alignment.isIdentity { return sequence.tokens }
        var tokens: [Int32] = []
        tokens.reserveCapacity(sequence.tokens.count)
        for token in sequence.tokens {
            guard let own = alignment.policyID(token) else {
                throw .unsuitable(
                    subject: "\(models.policy.identity.path): sequence \(number)",
                    found: models.reference.tokenizer.decode([token]).debugDescription,
                    expected: "tokens that both vocabularies have")
            }
            tokens.append(own)
        }
        return tokens
    }

    private func score(
        _ sequence: ScorableSequence, number: Int, position: Int, policyLogits: Span<Float>,
        referenceLogits: Span<Float>, rows: inout LogProbabilityRows
    ) throws(AnalysisError) -> Score {
        let place = position - sequence.scored.lowerBound
        func divergence(_ policyLogits: Span<Float>, _ referenceLogits: Span<Float>) throws(AnalysisError)
            -> TokenDivergence
        {
            let valid = rows.fill(
                policyLogits: policyLogits, referenceLogits: referenceLogits, temperature: temperature)
            guard valid.isPolicyValid, valid.isReferenceValid else {
                throw models.invalidLogits(ofPolicy: !valid.isPolicyValid, text: number, position: position)
            }
            return compare(
                rows, referenceLogits: referenceLogits, token: sequence.tokens[position], position: position,
                place: sequence.places.indices.contains(place) ? sequence.places[place] : nil,
                label: sequence.critical[position], reward: self.reward(of: sequence))
        }
        if alignment.isIdentity {
            return Score(
                divergence: try divergence(policyLogits, referenceLogits), policyExcludedMass: 0,
                referenceExcludedMass: 0)
        }
        var masses = (policy: 0.0, reference: 0.0)
        if !alignment.isComplete {
            _ = rows.fill(policyLogits: policyLogits, referenceLogits: referenceLogits, temperature: temperature)
            masses = (
                max(0, 1 - alignment.policyIDs.reduce(0) { $0 + Double.exponential(rows.policy[$1]) }),
                max(0, 1 - alignment.referenceIDs.reduce(0) { $0 + Double.exponential(rows.reference[$1]) })
            )
        }
        let (ours, theirs) = (
            alignment.policyIDs.map { policyLogits[$0] }, alignment.referenceIDs.map { referenceLogits[$0] }
        )
        return Score(
            divergence: try divergence(ours.span, theirs.span), policyExcludedMass: masses.policy,
            referenceExcludedMass: masses.reference)
    }

    /// R, what the answer earned by the rule that the policy was trained with; nil for a text that earns nothing.
    private func reward(of sequence: ScorableSequence) -> Double? {
        guard let rule = models.policy.valueHead?.reward, let outcome = sequence.outcome.flatMap(Outcome.init) else {
            return nil
        }
        return Double(rule.reward(for: outcome))
    }

    /// All figures of one token, from log probabilities and logits over the shared tokens.
    private func compare(
        _ rows: LogProbabilityRows, referenceLogits: Span<Float>, token id: Int32, position: Int,
        place: ScratchpadPlace?, label: AdditionTask.LabelledToken?, reward: Double?
    ) -> TokenDivergence {
        let (policy, reference) = (rows.policy, rows.reference)
        let token = alignment.place(ofReferenceID: id) ?? 0
        // V of the states that RL knew: those of answers.
        let value = reward == nil ? nil : rows.policyValue
        let (policyTop, referenceTop) = (LogProbabilityRows.top(policy), LogProbabilityRows.top(reference))
        func estimate(_ estimator: KLEstimator) -> Double {
            estimator.value(policy: policy.span, reference: reference.span, action: token)
        }
        func both(_ value: (Certainty) -> Double) -> CertaintyPair {
            // The authors' code takes the softmax at temperature 4.
            CertaintyPair(
                negentropy: value(.negentropy), maximumProbability: value(.maximumProbability(temperature: 4)))
        }
        return TokenDivergence(
            position: position,
            text: alignment.tokens[token],
            exactKLPolicyReference: Divergence.exactKL(policy.span, reference.span),
            exactKLReferencePolicy: Divergence.exactKL(reference.span, policy.span),
            jensenShannon: Divergence.jensenShannon(policy.span, reference.span),
            k1Estimate: estimate(.k1),
            k2Estimate: estimate(.k2),
            k3Estimate: estimate(.k3),
            policyEntropy: Divergence.entropy(policy.span),
            referenceEntropy: Divergence.entropy(reference.span),
            certainty: both { $0.preciseValue(referenceLogits: referenceLogits, temperature: temperature) },
            penaltyWeight: both {
                PenaltyWeight.prioritised(certainty: $0, beta: beta, intercept: 0)
                    .preciseValue(referenceLogits: referenceLogits, temperature: temperature)
            },
            policyLogProb: policy[token],
            referenceLogProb: reference[token],
            policyRank: Divergence.rank(of: token, in: policy.span),
            referenceRank: Divergence.rank(of: token, in: reference.span),
            policyTop: alignment.tokens[policyTop],
            referenceTop: alignment.tokens[referenceTop],
            topAgrees: policyTop == referenceTop,
            stateValue: value,
            advantage: value.flatMap { value in reward.map { $0 - value } },
            place: place,
            critical: label.flatMap { label in
                alignment.place(ofReferenceID: label.rightToken).map { right in
                    CriticalTokenLabel(
                        name: label.critical.name, rightText: alignment.tokens[right], policyLogProb: policy[right],
                        referenceLogProb: reference[right])
                }
            })
    }
}
