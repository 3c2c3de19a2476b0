public import Tasks

/// What one model's answers become when a few of their tokens are replaced by another model's choices.
///
/// The host answers greedily. A token counts as shifted by KL(donor ‖ host) of the two distributions before it, and only
/// where the donor's likeliest token is another one. With k replacements, the threshold of an answer is the k-th largest
/// shift in it; the text is gone through from the start, and where a shift reaches the threshold the donor's token is
/// written and the host goes on from there, until k tokens are replaced. Up to the first replacement the text is the
/// host's own; after it the shifts are those of the new text.
public struct CrossSampling: Codable, Hashable, Sendable {
    /// Whose tokens go into whose text.
    public enum Direction: String, CaseIterable, Codable, Hashable, Sendable {
        /// The reference writes, the policy replaces.
        case policyIntoReference = "policy-into-reference"
        /// The policy writes, the reference replaces.
        case referenceIntoPolicy = "reference-into-policy"
    }

    /// What so many replacements lead to.
    public struct Point: Codable, Hashable, Sendable {
        /// k, the number of tokens that may be replaced in an answer.
        public let replacementLimit: Int
        /// How many were, on average.
        public let meanReplacementCount: Double
        /// The share of right answers.
        public let accuracy: Accuracy
    }

    /// Whose tokens go into whose text.
    public let direction: Direction
    /// The model that writes, alone.
    public let host: Accuracy
    /// The model that replaces, alone.
    public let donor: Accuracy
    /// By rising k.
    public let points: [Point]
}
