internal import Analysis
internal import LanguageModel
internal import Rendering

extension KLReport {
    /// The tokens as a table for programs, in the order of the policies and their sequences.
    var plainTable: String {
        PlainTable(
            columns: [
                "policy", "sequence", "position", "token", "kl_policy_reference", "kl_reference_policy", "js",
                "policy_log_prob", "reference_log_prob", "policy_entropy", "reference_entropy", "certainty",
                "penalty_weight", "policy_top", "reference_top", "critical",
            ],
            rows: policies.flatMap { policy in
                policy.sequences.enumerated().flatMap { number, sequence in
                    sequence.tokens.map { token in
                        [
                            .init(policy.policy.path), .init(number), .init(token.position), .init(token.text),
                            .init(token.exactKLPolicyReference), .init(token.exactKLReferencePolicy),
                            .init(token.jensenShannon), .init(token.policyLogProb), .init(token.referenceLogProb),
                            .init(token.policyEntropy), .init(token.referenceEntropy),
                            .init(token.certainty.negentropy), .init(token.penaltyWeight.negentropy),
                            .init(token.policyTop), .init(token.referenceTop), .init(token.critical?.name),
                        ]
                    }
                }
            }
        ).text
    }
}
