internal import Analysis
internal import CheckpointFormat
internal import CheckpointInterop
internal import Tasks

/// What a checkpoint must be: the rules of a policy file, in its order.
package struct GatePolicy: Sendable {
    /// The rules.
    package let rules: [GateRule]

    /// Takes rules.
    init(rules: [GateRule]) { self.rules = rules }

    /// The first rule that cannot be judged without a reference.
    package var firstNeedingReference: GateRule? { rules.first { $0.demand.needsReference } }
}

/// One demand on a checkpoint.
package struct GateRule: Sendable {
    /// The keys of a policy file.
    package enum Name: String, CaseIterable, Codable, Sendable {
        case verify, format, sha256, weights, lineage, tensors
        case otherTensors = "other_tensors"
        case finite, values, frozen, diff, kl, accuracy, metadata
        case signedBy = "signed_by"

        /// What the rule is about, in a sentence.
        package var meaning: String {
            switch self {
            case .verify: "Every byte is as it was written."
            case .format: "The file's format is one of those listed."
            case .sha256: "The file has this SHA-256."
            case .weights: "The weights have this digest."
            case .lineage: "The checkpoint comes from where it should."
            case .tensors: "Tensors have the shapes and types listed."
            case .otherTensors: "There are no tensors but those listed."
            case .finite: "No tensor holds NaN or infinite values."
            case .values: "The values of tensors keep within limits."
            case .frozen: "Tensors are bit for bit those of the reference."
            case .diff: "The change from the reference keeps within limits."
            case .kl: "The divergence from the reference keeps within limits."
            case .accuracy: "The model answers well enough."
            case .metadata: "The metadata has what is required."
            case .signedBy: "The checkpoint is signed by a trusted key."
            }
        }
    }

    /// The key that it stands under.
    package let name: Name
    /// The line of the policy file, from 1.
    package let line: Int
    /// What is demanded.
    let demand: Demand

    /// What is demanded.
    enum Demand: Sendable {
        /// Every byte is as it was written: stored, or stored and decoded.
        case bytes(VerificationReport.Mode)
        /// One of these formats.
        case format([CheckpointFileFormat])
        /// The SHA-256 of the file, hexadecimal.
        case fileDigest(String)
        /// The digest of the weights, hexadecimal.
        case weightsDigest(String)
        /// A lineage key of the metadata holds this digest, or that of the reference's weights where nil.
        case lineage(key: String, digest: String?)
        /// All tensors that match are like this.
        case tensors(TensorDemand)
        /// There are no tensors but those that match one of these.
        case noOtherTensors([GlobPattern])
        /// No NaN and no infinity.
        case finite
        /// A limit on the values of tensors (``Inspection``).
        case values(Limit)
        /// A limit on what changed from the reference (``WeightDiff``).
        case difference(Limit)
        /// Limits on the divergence from the reference.
        case divergence(DivergenceDemand)
        /// A share of right answers.
        case accuracy(AccuracyDemand)
        /// A key of the metadata is there.
        case metadataKey(String)
        /// A key of the metadata has this value, as `crux inspect` shows it.
        case metadataValue(key: String, value: String)
        /// A signature by one of these public keys.
        case signature(keys: [SignerKey])

        /// Whether a reference is compared with.
        var needsReference: Bool {
            switch self {
            case .difference, .divergence, .lineage(_, nil): true
            default: false
            }
        }
    }
}

/// What tensors must be.
struct TensorDemand: Sendable {
    /// Their names.
    let pattern: GlobPattern
    /// The dimensions, outermost first; nil for any.
    let shape: [Int]?
    /// The types, as safetensors names them; nil for any.
    let dtypes: [String]?
    /// How many there must be; nil for one or more.
    let count: Int?
}

/// Which texts two models are compared on, and what the comparison must not show.
struct DivergenceDemand: Sendable {
    /// The texts.
    let input: KLInput
    /// Who writes them.
    let source: TextSource
    /// The seed of problems and sampling.
    let seed: UInt64
    /// The temperature of sampling and of both distributions.
    let temperature: Float
    /// What must not come true, each with its line.
    let limits: [(limit: Limit, line: Int)]
}

/// How well a model must do.
struct AccuracyDemand: Sendable {
    /// The problems.
    let setup: AdditionSetup
    /// How many of them.
    let exampleCount: Int
    /// The seed that they are drawn with.
    let seed: UInt64
    /// The least share of right answers.
    let minimum: Double
}

/// A public key of a policy.
struct SignerKey: Sendable {
    /// The file.
    let path: String
    /// Its text.
    let pem: String
}
