public import Analysis
internal import LanguageModel
public import Tasks

/// What ``CriticalTokenStudy`` found: plain values for the report and for programs.
public struct CriticalTokenResult: Codable, Hashable, Sendable {
    /// The version of this layout.
    public static let currentSchemaVersion = 1

    /// The version of this layout.
    public let schemaVersion: Int
    /// The model.
    public let model: CheckpointIdentity
    /// What was asked of it.
    public let options: CriticalTokenStudy.Options
    /// The share of right answers among the generations, with a bootstrap interval.
    public let success: Accuracy
    /// The share of wrong answers whose first error is a critical token, with a bootstrap interval.
    public let firstErrorsCritical: Accuracy
    /// Where the first errors of wrong answers are: critical tokens by name, other tokens by their place.
    public let firstErrors: [FirstError]
    /// Certainty on tokens less the mean over the others, by kind of token, critical ones first.
    public let certainties: [CertaintyDifference]
    /// How well low certainty alone finds critical tokens.
    public let rankings: [CertaintyRanking]
    /// The forced tokens.
    public let forced: [ForcedToken]

    /// Where wrong answers go wrong.
    public struct FirstError: Codable, Hashable, Sendable {
        /// A critical token's name, or a place.
        public let name: String
        /// Whether it is a critical token.
        public let isCritical: Bool
        /// How many answers first go wrong there.
        public let count: Int
    }

    /// The certainty on a kind of token.
    public struct CertaintyDifference: Codable, Hashable, Sendable {
        /// A critical token's name, or a place and what stands there.
        public let name: String
        /// Whether it is a kind of critical token.
        public let isCritical: Bool
        /// The tokens of this kind in all generations.
        public let tokenCount: Int
        /// Equation 2: the mean over generations that have such tokens, with Student's interval over them.
        public let negentropy: MeanInterval
        /// The authors' code's certainty, likewise.
        public let maximumProbability: MeanInterval
    }

    /// How well low certainty finds one kind of token.
    public struct CertaintyRanking: Codable, Hashable, Sendable {
        /// What is to be found, and among what.
        public let target: String
        /// Which certainty: `negentropy` or `maximum-probability`.
        public let certainty: String
        /// Tokens ranked by rising certainty.
        public let ranking: Ranking
    }

    /// Success moves by at least so much at a token that is critical by its effect.
    public static let decisiveEffect = 0.5
    /// The model loses at least so much success at a token that is critical by its expected loss.
    public static let notableLoss = 0.01

    init(
        model: CheckpointIdentity, options: CriticalTokenStudy.Options, answers: PolicyDivergence,
        forced: [ForcedToken], task: AdditionTask
    ) throws {
        schemaVersion = Self.currentSchemaVersion
        self.model = model
        self.options = options
        self.forced = forced
        success = Accuracy(answers.sequences.map { $0.outcome == Outcome.correct.rawValue }, seed: options.seed)
        let errors = try answers.sequences.filter { $0.outcome != Outcome.correct.rawValue }.map { sequence in
            try Self.firstError(sequence, options: options, task: task)
        }
        firstErrorsCritical = Accuracy(errors.map(\.isCritical), seed: options.seed)
        firstErrors = Dictionary(grouping: errors, by: { $0 }).map { error, all in
            FirstError(name: error.name, isCritical: error.isCritical, count: all.count)
        }.sorted { ($1.count, $0.name) < ($0.count, $1.name) }
        certainties = Self.differences(answers.sequences)
        rankings = Self.rankings(answers.sequences, forced)
    }

    // MARK: First errors

    private struct ErrorPlace: Hashable {
        let name: String
        let isCritical: Bool
    }

    private static func firstError(
        _ sequence: SequenceDivergence, options: CriticalTokenStudy.Options, task: AdditionTask
    ) throws -> ErrorPlace {
        let line = sequence.prompt.split(separator: "\n").first { $0.contains("+") } ?? ""
        let problem = try AdditionProblem(String(line))
        let truth = task.answer(of: problem).map { task.tokenizer.decode([$0]) }
        let written = sequence.tokens.map(\.text)
        let position =
            zip(truth, written).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            ?? min(truth.count, written.count)
        let critical = task.criticalTokens(ofAnswerTo: problem, trainedDigits: options.trainedDigits)
        if let token = critical.first(where: { $0.critical.position == position }) {
            return ErrorPlace(name: token.critical.name, isCritical: true)
        }
        guard sequence.tokens.indices.contains(position) else {
            return ErrorPlace(name: "after the end", isCritical: false)
        }
        return ErrorPlace(name: Self.kind(sequence.tokens[position]), isCritical: false)
    }

    /// A place and what stands there, for tokens that are not critical.
    private static func kind(_ token: TokenDivergence) -> String {
        let part = token.place?.part.rawValue ?? "text"
        let what = token.text.allSatisfy(\.isNumber) ? "digit" : token.text == "," ? "comma" : "other"
        return "\(part): \(what)"
    }

    // MARK: Certainty

    private static func differences(_ sequences: [SequenceDivergence]) -> [CertaintyDifference] {
        struct Kind: Hashable {
            let name: String
            let isCritical: Bool
        }
        var values: [Kind: (count: Int, negentropy: [Double], maximum: [Double])] = [:]
        for sequence in sequences where sequence.tokens.count > 1 {
            var kinds: [Kind: [TokenDivergence]] = [:]
            for token in sequence.tokens {
                if let critical = token.critical {
                    kinds[Kind(name: critical.name, isCritical: true), default: []].append(token)
                    let all = critical.name.hasSuffix("comma") ? "all critical commas" : "all critical digits"
                    kinds[Kind(name: all, isCritical: true), default: []].append(token)
                } else {
                    kinds[Kind(name: kind(token), isCritical: false), default: []].append(token)
                }
            }
            let count = Double(sequence.tokens.count)
            func difference(_ tokens: [TokenDivergence], _ value: (TokenDivergence) -> Double) -> Double? {
                let others = count - Double(tokens.count)
                guard others > 0 else { return nil }
                let own = tokens.reduce(0) { $0 + value($1) }
                let all = sequence.tokens.reduce(0) { $0 + value($1) }
                return own / Double(tokens.count) - (all - own) / others
            }
            for (kind, tokens) in kinds {
                guard let negentropy = difference(tokens, \.certainty.negentropy),
                    let maximum = difference(tokens, \.certainty.maximumProbability)
                else { continue }
                var entry = values[kind] ?? (0, [], [])
                entry.count += tokens.count
                entry.negentropy.append(negentropy)
                entry.maximum.append(maximum)
                values[kind] = entry
            }
        }
        return values.map { kind, entry in
            CertaintyDifference(
                name: kind.name, isCritical: kind.isCritical, tokenCount: entry.count,
                negentropy: MeanInterval(entry.negentropy), maximumProbability: MeanInterval(entry.maximum))
        }.sorted { ($0.isCritical ? 0 : 1, $0.name) < ($1.isCritical ? 0 : 1, $1.name) }
    }

    private static func rankings(_ sequences: [SequenceDivergence], _ forced: [ForcedToken]) -> [CertaintyRanking] {
        let tokens = sequences.flatMap(\.tokens)
        var rankings: [CertaintyRanking] = []
        func add<Item>(
            _ target: String, _ items: [Item], certainty: (Item) -> CertaintyPair, _ isMember: (Item) -> Bool
        ) {
            guard !items.isEmpty else { return }
            let members = items.count(where: isMember)
            let places = Set([10, 50, 100, members]).filter { $0 > 0 }.sorted()
            let measures: [(String, (CertaintyPair) -> Double)] = [
                ("negentropy", { $0.negentropy }), ("maximum-probability", { $0.maximumProbability }),
            ]
            for (name, value) in measures {
                rankings.append(
                    CertaintyRanking(
                        target: target, certainty: name,
                        ranking: Ranking(
                            items.map { (score: -value(certainty($0)), isMember: isMember($0)) }, places: places)))
            }
        }
        add("critical by place, commas, in generations", tokens, certainty: \.certainty) {
            $0.critical?.name.hasSuffix("comma") ?? false
        }
        add("critical by place, commas and digits, in generations", tokens, certainty: \.certainty) {
            $0.critical != nil
        }
        add("critical by place, among forced tokens", forced, certainty: \.certainty) { $0.criticalName != nil }
        add("decisive when forced wrong", forced, certainty: \.certainty) { $0.effect >= decisiveEffect }
        add("success is lost there", forced, certainty: \.certainty) { $0.expectedLoss >= notableLoss }
        return rankings
    }
}
