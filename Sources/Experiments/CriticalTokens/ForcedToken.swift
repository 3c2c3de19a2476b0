public import Analysis
internal import SystemPackage

/// A token of a right answer that was forced right and wrong, and how roll-outs went on.
public struct ForcedToken: Codable, Hashable, Sendable {
    /// The problem, for example `128+367`.
    public let problem: String
    /// The token's place in the right answer.
    public let position: Int
    /// The right token.
    public let right: String
    /// The model's likeliest other token.
    public let wrong: String
    /// The critical token's name where the task has one here, for example `step_1/operand_2/n+1_comma`.
    public let criticalName: String?
    /// π(right token).
    public let rightProbability: Double
    /// The model's certainty before the token.
    public let certainty: CertaintyPair
    /// The share of right answers after the right token.
    public let successWhenRight: Double
    /// The share after the wrong one.
    public let successWhenWrong: Double

    /// How much the success probability moves by the token.
    public var effect: Double { successWhenRight - successWhenWrong }

    /// The success probability that the model loses here: the effect, where it does not write the right token.
    public var expectedLoss: Double { (1 - rightProbability) * max(0, effect) }
}

/// The forced tokens of one problem on disk, with all that says whether they are still those of the study.
struct StoredForcedTokens: Codable {
    let options: CriticalTokenStudy.Options
    let weightsDigest: String?
    let tokens: [ForcedToken]

    init(options: CriticalTokenStudy.Options, weightsDigest: String?, tokens: [ForcedToken]) {
        self.options = options
        self.weightsDigest = weightsDigest
        self.tokens = tokens
    }

    /// Reads them; nil where there are none.
    ///
    /// - Throws: ``ExperimentError`` where the file is something else.
    static func read(_ path: FilePath) throws -> StoredForcedTokens? {
        try StoredJSON.read(path, orElse: "not the forced tokens of a problem; remove it to measure again")
    }
}
