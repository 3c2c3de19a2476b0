public import Tasks

/// Which additions are practised or asked, for N digits of pre-training and k beyond.
public enum TaskSetup: String, CaseIterable, Hashable, Sendable {
    /// Both operands have N+k digits.
    case fixed
    /// One operand, chosen at random, has N+k digits, the other as many or fewer.
    case varying
    /// One operand, chosen at random, has N+k digits; the other half the time 1...N, else N+1...N+k. Without
    /// digits beyond N (the code's comfort zone), both have 1...N.
    case referenceCode = "reference-code"

    /// The distribution of problems.
    public func problems(trainedDigits: Int, additionalDigits: Int) -> AdditionSetup {
        switch self {
        case .fixed: .fixed(digits: trainedDigits + additionalDigits)
        case .varying: .varying(digits: trainedDigits + additionalDigits)
        case .referenceCode where additionalDigits == 0: .balanced(maximumDigits: trainedDigits)
        case .referenceCode:
            .referenceCode(trainedDigits: trainedDigits, additionalDigits: additionalDigits)
        }
    }
}
