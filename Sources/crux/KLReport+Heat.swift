internal import Analysis
internal import Rendering

extension KLReport {
    /// The first sequences as a heat map of their tokens.
    func heat(sequenceCount: Int) -> TokenHeat {
        let shown = sequences.prefix(sequenceCount)
        let tokens = shown.flatMap(\.tokens)
        func scale(_ value: (TokenDivergence) -> Float) -> HeatScale {
            // Below a ten-thousandth of a nat a difference has no meaning to a reader.
            HeatScale.fitting(tokens.map { Double(value($0)) }, .logarithmic, floor: 1e-4)
        }
        func linear(_ value: (TokenDivergence) -> Float) -> HeatScale {
            HeatScale.fitting(tokens.map { Double(value($0)) }, .linear, floor: 0)
        }
        return TokenHeat(
            measures: [
                .init(
                    "KL(policy ‖ reference)",
                    explanation:
                        "Exact over the vocabulary, in nats: large where the policy favours what the reference would "
                        + "not write.", scale: scale(\.exactKLPolicyReference)),
                .init(
                    "KL(reference ‖ policy)",
                    explanation: "Exact, in nats: large where the policy has given up what the reference would write.",
                    scale: scale(\.exactKLReferencePolicy)),
                .init("H(policy)", explanation: "The policy's entropy, in nats.", scale: linear(\.policyEntropy)),
                .init(
                    "H(reference)", explanation: "The reference's entropy, in nats.", scale: linear(\.referenceEntropy)),
                .init(
                    "certainty J(s)", explanation: "The reference's normalised negentropy (equation 2), 0 … 1."),
                .init(
                    "penalty weight",
                    explanation:
                        "What the KL penalty is multiplied by at this token: little where the reference is unsure.",
                    scale: HeatScale(.linear, from: 0, to: 1)),
                .init("ln policy(token)", explanation: "The log-probability of the written token under the policy."),
                .init("ln reference(token)", explanation: "The same under the reference."),
            ],
            passages: shown.enumerated().map { index, sequence in
                TokenHeat.Passage(
                    title: text.kind == .task ? "Answer \(index + 1)" : "Window \(index + 1)",
                    detail: Self.detail(of: sequence),
                    tokens: [.init(sequence.prompt)] + sequence.tokens.map(Self.token))
            })
    }

    private static func detail(of sequence: SequenceDivergence) -> String {
        let mean =
            sequence.tokens.reduce(0) { $0 + Double($1.exactKLPolicyReference) } / Double(max(1, sequence.tokens.count))
        let parts = [
            sequence.outcome, "mean KL(policy ‖ reference) \(FigureFormat.significant(3).text(mean))",
            "\(FigureFormat.count.text(sequence.tokens.count)) tokens",
        ]
        return parts.compactMap(\.self).joined(separator: " · ")
    }

    private static func token(_ token: TokenDivergence) -> TokenHeat.Token {
        let mark = token.critical.map { label in
            "critical: \(label.name); right is “\(TerminalText.visible(label.rightText))”, "
                + "policy \(probability(label.policyLogProb)), reference \(probability(label.referenceLogProb))"
        }
        return TokenHeat.Token(
            token.text,
            values: [
                token.exactKLPolicyReference, token.exactKLReferencePolicy, token.policyEntropy, token.referenceEntropy,
                token.certainty, token.penaltyWeight, token.policyLogProb, token.referenceLogProb,
            ].map { Double($0) }, mark: mark,
            note: token.topAgrees
                ? ""
                : "likeliest: “\(TerminalText.visible(token.policyTop))” for the policy, "
                    + "“\(TerminalText.visible(token.referenceTop))” for the reference")
    }
}
