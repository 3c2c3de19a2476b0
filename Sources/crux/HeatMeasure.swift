internal import Analysis
internal import ArgumentParser
internal import Rendering

/// What a heat map of tokens is coloured by.
enum HeatMeasure: String, ExpressibleByArgument, CaseIterable {
    case kl
    case reverseKL = "reverse-kl"
    case jensenShannon = "js"
    case policyEntropy = "policy-entropy"
    case referenceEntropy = "reference-entropy"
    case certainty
    case maximumProbabilityCertainty = "max-probability-certainty"
    case weight
    case maximumProbabilityWeight = "max-probability-weight"
    case probabilityChange = "delta-p"
    case advantage
    case stateValue = "value"

    /// The value at a token; nil where it has none.
    func value(_ token: TokenDivergence) -> Double? {
        switch self {
        case .kl: token.exactKLPolicyReference
        case .reverseKL: token.exactKLReferencePolicy
        case .jensenShannon: token.jensenShannon
        case .policyEntropy: token.policyEntropy
        case .referenceEntropy: token.referenceEntropy
        case .certainty: token.certainty.negentropy
        case .maximumProbabilityCertainty: token.certainty.maximumProbability
        case .weight: token.penaltyWeight.negentropy
        case .maximumProbabilityWeight: token.penaltyWeight.maximumProbability
        case .probabilityChange: token.probabilityChange
        case .advantage: token.advantage
        case .stateValue: token.stateValue
        }
    }

    /// Its name on pages and in legends.
    var name: String {
        switch self {
        case .kl: "KL(policy ‖ reference)"
        case .reverseKL: "KL(reference ‖ policy)"
        case .jensenShannon: "Jensen–Shannon"
        case .policyEntropy: "H(policy)"
        case .referenceEntropy: "H(reference)"
        case .certainty: "certainty J (negentropy)"
        case .maximumProbabilityCertainty: "certainty J (p max)"
        case .weight: "weight J^β (negentropy)"
        case .maximumProbabilityWeight: "weight J^β (p max)"
        case .probabilityChange: "Δp"
        case .advantage: "advantage R − V(s)"
        case .stateValue: "V(s), the critic's"
        }
    }

    /// What it means, in a sentence.
    private var explanation: String {
        switch self {
        case .kl:
            "Exact over the vocabulary, in nats: large where the policy favours what the reference would not write."
        case .reverseKL: "Exact, in nats: large where the policy has given up what the reference would write."
        case .jensenShannon: "The symmetric divergence of the two, in nats, at most ln 2."
        case .policyEntropy: "The policy's entropy, in nats."
        case .referenceEntropy: "The reference's entropy, in nats."
        case .certainty: "The reference's normalised negentropy (arXiv 2502.06533, equation 2), 0 … 1."
        case .maximumProbabilityCertainty:
            "1 + ln p_max / ln V of the reference at temperature 4, as the authors' code."
        case .weight: "What the prioritised penalty multiplies the KL by: little where the reference is unsure."
        case .maximumProbabilityWeight: "The same with the certainty of the authors' code."
        case .probabilityChange: "The written token's probability under the policy less that under the reference."
        case .advantage:
            "What the answer earned less what the policy's critic expected before the token: above 0 where the end was "
                + "better than foreseen."
        case .stateValue: "What the policy's critic expects the answer to earn, before the token."
        }
    }

    /// The measure as a heat map's, scaled to these tokens.
    func measure(_ tokens: [TokenDivergence]) -> TokenHeat.Measure {
        let values = tokens.compactMap { value($0) }
        let scale: HeatScale =
            switch self {
            // Below a ten-thousandth of a nat a difference has no meaning to a reader; and one token that is far beyond
            // all others must not leave the rest without colour.
            case .kl, .reverseKL, .jensenShannon:
                .fitting(values, .logarithmic, floor: 1e-4, decades: 4, topShare: 0.02)
            case .policyEntropy, .referenceEntropy: .fitting(values, .linear, floor: 0)
            case .certainty, .maximumProbabilityCertainty, .probabilityChange, .advantage, .stateValue:
                .fitting(values, .linear)
            case .weight, .maximumProbabilityWeight: HeatScale(.linear, from: 0, to: 1)
            }
        return .init(name, explanation: explanation, scale: scale)
    }

    /// Those that any of the tokens has.
    static func available(in tokens: [TokenDivergence]) -> [HeatMeasure] {
        allCases.filter { measure in tokens.contains { measure.value($0) != nil } }
    }
}
