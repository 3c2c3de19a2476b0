internal import Analysis
internal import LanguageModel
internal import Rendering

extension PolicyDivergence {
    /// The first sequences as a heat map of their tokens.
    ///
    /// - Parameter isTask: Whether the sequences are answers.
    func heat(sequenceCount: Int, isTask: Bool) -> TokenHeat {
        let shown = sequences.prefix(sequenceCount)
        let tokens = shown.flatMap(\.tokens)
        let coloured = HeatMeasure.available(in: tokens)
        return TokenHeat(
            measures: coloured.map { $0.measure(tokens) } + [
                .init("policy(token)", explanation: "The probability of the written token under the policy."),
                .init("reference(token)", explanation: "The same under the reference."),
                .init(
                    "rank, policy", explanation: "The written token's place among all, from 1.", format: .count),
                .init("rank, reference", explanation: "The same under the reference.", format: .count),
            ],
            passages: shown.enumerated().map { index, sequence in
                TokenHeat.Passage(
                    title: isTask ? "Answer \(index + 1)" : "Text \(index + 1)", detail: Self.detail(of: sequence),
                    tokens: [.init(sequence.prompt)] + sequence.tokens.map { Self.token($0, coloured) })
            })
    }

    private static func detail(of sequence: SequenceDivergence) -> String {
        let sum = sequence.tokens.reduce(0) { $0 + $1.exactKLPolicyReference }
        let mean = sum / Double(max(1, sequence.tokens.count))
        let parts = [
            sequence.outcome, "mean KL(policy ‖ reference) \(FigureFormat.significant(3).text(mean))",
            "\(FigureFormat.count.text(sequence.tokens.count)) tokens",
        ]
        return parts.compactMap(\.self).joined(separator: " · ")
    }

    private static func token(_ token: TokenDivergence, _ coloured: [HeatMeasure]) -> TokenHeat.Token {
        let mark = token.critical.map { label in
            "critical: \(label.name); right is “\(TerminalText.visible(label.rightText))”, "
                + "policy \(KLReport.probability(label.policyLogProb)), "
                + "reference \(KLReport.probability(label.referenceLogProb))"
        }
        return TokenHeat.Token(
            token.text,
            values: coloured.map { $0.value(token) ?? .nan } + [
                Double.exponential(token.policyLogProb), Double.exponential(token.referenceLogProb),
                Double(token.policyRank), Double(token.referenceRank),
            ], mark: mark,
            note: token.topAgrees
                ? ""
                : "likeliest: “\(TerminalText.visible(token.policyTop))” for the policy, "
                    + "“\(TerminalText.visible(token.referenceTop))” for the reference")
    }
}
