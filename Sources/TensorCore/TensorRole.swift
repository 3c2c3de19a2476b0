/// What a tensor is for, so that tools compare weights with weights. The raw value is stored in files.
public enum TensorRole: UInt8, CaseIterable, Codable, Hashable, Sendable {
    /// A weight of the language model.
    case weight = 0
    /// A weight of the critic (value head).
    case critic = 1
    /// First moment of the optimiser, of a model weight.
    case firstMoment = 2
    /// Second moment of the optimiser, of a model weight.
    case secondMoment = 3
    /// First moment of the optimiser, of a critic weight.
    case criticFirstMoment = 4
    /// Second moment of the optimiser, of a critic weight.
    case criticSecondMoment = 5
    /// Anything else of a training state: metrics so far, random streams.
    case state = 6

    /// The name that tools print.
    public var name: String {
        switch self {
        case .weight: "weight"
        case .critic: "critic"
        case .firstMoment: "first moment"
        case .secondMoment: "second moment"
        case .criticFirstMoment: "critic first moment"
        case .criticSecondMoment: "critic second moment"
        case .state: "state"
        }
    }
}
