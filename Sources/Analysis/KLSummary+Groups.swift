internal import Tasks

extension TokenClassSummary {
    /// The classes that tokens fall into, group by group; a group that has a single class is left out.
    static func all(of sequences: [SequenceDivergence], hasTask: Bool) -> [TokenClassSummary] {
        let tokens = sequences.flatMap(\.tokens)
        let total = tokens.reduce(0) { $0 + $1.exactKLPolicyReference }
        func summaries(_ group: Group, _ names: [String], _ name: (TokenDivergence) -> String?) -> [TokenClassSummary] {
            let members = Dictionary(grouping: tokens, by: name)
            let found = names.compactMap { name -> TokenClassSummary? in
                guard let members = members[name], let summary = KLSummary(members) else { return nil }
                let sum = members.reduce(0) { $0 + $1.exactKLPolicyReference }
                return TokenClassSummary(
                    group: group, name: name, klShare: total > 0 && total.isFinite ? sum / total : 0, summary: summary)
            }
            return found.count > 1 ? found : []
        }
        let characters = summaries(.character, CharacterClass.allCases.map(\.rawValue)) {
            CharacterClass(of: $0.text).rawValue
        }
        guard hasTask else { return characters }
        let steps = Set(tokens.compactMap { $0.place?.step }).sorted()
        return summaries(.criticality, ["critical", "not critical"]) {
            $0.critical == nil ? "not critical" : "critical"
        }
            + characters
            + summaries(.part, ["operand 1", "operand 2", "result so far", "computation", "result line", "frame"]) {
                $0.place?.part.rawValue
            }
            + summaries(.step, steps.map { "step \($0)" }) { $0.place?.step.map { "step \($0)" } }
    }
}

extension PositionSummary {
    /// At most so many ranges of positions.
    private static let largestCount = 24

    /// The figures by ranges of equal width, of a round number of positions.
    ///
    /// - Parameter fromSequenceStart: Whether positions count from the start of the sequence instead of the first
    ///   scored token.
    static func all(of sequences: [SequenceDivergence], fromSequenceStart: Bool) -> [PositionSummary] {
        var members: [(position: Int, token: TokenDivergence)] = []
        for sequence in sequences {
            for (offset, token) in sequence.tokens.enumerated() {
                members.append((fromSequenceStart ? token.position : offset, token))
            }
        }
        let end = 1 + (members.lazy.map(\.position).max() ?? 0)
        let width = roundWidth(atLeast: (end + largestCount - 1) / largestCount)
        let ranges = Dictionary(grouping: members) { $0.position / width }
        return ranges.sorted { $0.key < $1.key }.compactMap { index, members in
            guard let divergence = MeanEstimate(members.map(\.token.exactKLPolicyReference)),
                let agreement = MeanEstimate(members.map { $0.token.topAgrees ? 1 : 0 })
            else { return nil }
            return PositionSummary(
                first: index * width, last: min(end, (index + 1) * width) - 1, tokenCount: members.count,
                exactKLPolicyReference: divergence, topAgreement: agreement)
        }
    }

    /// 1, 2, 5, 10, 20, 50 …
    private static func roundWidth(atLeast least: Int) -> Int {
        var power = 1
        while true {
            for factor in [1, 2, 5] where factor * power >= least { return factor * power }
            power *= 10
        }
    }
}

extension ShiftedToken {
    /// The tokens with the largest KL(policy ‖ reference); the earlier of equal ones first.
    static func all(of sequences: [SequenceDivergence], options: KLMeasurement.Options) -> [ShiftedToken] {
        let places = sequences.indices.flatMap { sequence in
            sequences[sequence].tokens.indices.map { (sequence: sequence, token: $0) }
        }
        let ranked = places.sorted { first, second in
            let values = [first, second].map { sequences[$0.sequence].tokens[$0.token].exactKLPolicyReference }
            return values[0] == values[1]
                ? (first.sequence, first.token) < (second.sequence, second.token) : values[0] > values[1]
        }
        let length = max(0, options.shiftedContextLength)
        return ranked.prefix(max(0, options.shiftedTokenCount)).map { place in
            let sequence = sequences[place.sequence]
            let before = sequence.prompt + sequence.tokens[..<place.token].suffix(length).map(\.text).joined()
            let after = sequence.tokens[(place.token + 1)...].prefix(length).map(\.text).joined()
            return ShiftedToken(
                sequence: place.sequence, left: String(before.suffix(length)), token: sequence.tokens[place.token],
                right: after)
        }
    }
}
