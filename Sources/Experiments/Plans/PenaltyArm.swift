public import Training

/// One of the penalties that are compared.
public enum PenaltyArm: Hashable, Sendable {
    /// Every state is held to the reference alike.
    case standard
    /// States are held by the reference's certainty (equation 1).
    case prioritised(FineTuningConfiguration.CertaintyMeasure, beta: Double)

    /// Its name, also in names of folders: `standard`, `negentropy-beta150`.
    public var name: String {
        switch self {
        case .standard: "standard"
        case .prioritised(let certainty, let beta): "\(certainty.rawValue)-beta\(Self.text(beta))"
        }
    }

    /// The settings with this penalty.
    func applied(to configuration: FineTuningConfiguration) -> FineTuningConfiguration {
        var configuration = configuration
        switch self {
        case .standard: configuration.penalty.kind = .standard
        case .prioritised(let certainty, let beta):
            configuration.penalty.kind = .prioritised
            configuration.penalty.certainty = certainty
            configuration.penalty.beta = beta
        }
        return configuration
    }

    /// Whole numbers without a fraction.
    private static func text(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }
}
