internal import ArgumentParser
internal import Tasks

/// Which additions are drawn, as an option's value.
enum SetupChoice: String, ExpressibleByArgument, CaseIterable {
    case fixed, varying, balanced

    /// The distribution of problems of so many digits.
    func problems(digits: Int) -> AdditionSetup {
        switch self {
        case .fixed: .fixed(digits: digits)
        case .varying: .varying(digits: digits)
        case .balanced: .balanced(maximumDigits: digits)
        }
    }
}
