internal import CheckpointFormat
internal import LanguageModel

/// Which tokens two models share, whatever numbers they give them.
struct VocabularyAlignment: Sendable {
    /// The texts of the shared tokens, in the reference's order.
    let tokens: [String]
    /// The policy's number of each of ``tokens``.
    let policyIDs: [Int]
    /// The reference's number of each of ``tokens``.
    let referenceIDs: [Int]
    /// Tokens that only the policy knows.
    let policyOnly: [String]
    /// Tokens that only the reference knows.
    let referenceOnly: [String]
    private let policyIDByReferenceID: [Int32: Int32]
    private let referenceIDByPolicyID: [Int32: Int32]
    private let placeByReferenceID: [Int32: Int]

    init(policy policyTokenizer: Tokenizer, reference referenceTokenizer: Tokenizer) {
        let (policy, reference) = (policyTokenizer.spellings, referenceTokenizer.spellings)
        let texts = referenceTokenizer.vocabulary
        let policyID = Dictionary(policy.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let known = Set(reference)
        let shared = reference.enumerated().filter { policyID[$0.element] != nil }
        tokens = shared.map { texts[$0.offset] }
        referenceIDs = shared.map(\.offset)
        let ours = shared.compactMap { policyID[$0.element] }
        policyIDs = ours
        policyOnly = policy.filter { !known.contains($0) }
        referenceOnly = reference.filter { policyID[$0] == nil }
        let pairs = zip(shared.map { Int32($0.offset) }, ours.map { Int32($0) })
        policyIDByReferenceID = Dictionary(uniqueKeysWithValues: pairs.map { ($0, $1) })
        referenceIDByPolicyID = Dictionary(uniqueKeysWithValues: pairs.map { ($1, $0) })
        placeByReferenceID = Dictionary(
            uniqueKeysWithValues: shared.enumerated().map { (Int32($1.offset), $0) })
    }

    /// Whether both know the same tokens.
    var isComplete: Bool { policyOnly.isEmpty && referenceOnly.isEmpty }

    /// Whether both know the same tokens under the same numbers.
    var isIdentity: Bool { isComplete && policyIDs == referenceIDs }

    /// The policy's number of a token of the reference; nil where it lacks it.
    func policyID(_ referenceID: Int32) -> Int32? { policyIDByReferenceID[referenceID] }

    /// The reference's number of a token of the policy; nil where it lacks it.
    func referenceID(_ policyID: Int32) -> Int32? { referenceIDByPolicyID[policyID] }

    /// The place among ``tokens`` of a token of the reference; nil where the policy lacks it.
    func place(ofReferenceID id: Int32) -> Int? { placeByReferenceID[id] }

    /// - Throws: ``AnalysisError`` that says what two models with different vocabularies have in common.
    func checkComparable(policy: String, reference: String, allowsPart: Bool) throws(AnalysisError) {
        if isComplete { return }
        let counts =
            "\(tokens.count) tokens shared; \(Self.listed(policyOnly)) only in the policy, "
            + "\(Self.listed(referenceOnly)) only in \(reference)"
        guard allowsPart, tokens.count > 1 else {
            throw .unsuitable(
                subject: "\(policy): \(MetadataKey.tokenizerVocabulary)", found: counts,
                expected: tokens.count > 1
                    ? "the same tokens in both, or --shared-vocabulary to compare what both know"
                    : "the same tokens in both")
        }
    }

    private static func listed(_ tokens: [String]) -> String {
        guard !tokens.isEmpty else { return "none" }
        let shown = tokens.prefix(5).map(\.debugDescription).joined(separator: " ")
        return tokens.count > 5 ? "\(tokens.count) (\(shown) …)" : "\(tokens.count) (\(shown))"
    }
}
