public import LanguageModel

/// Which additions are drawn: how many digits each operand has.
///
/// N is the largest number of digits that pre-training shows, k what a task adds to it.
public enum AdditionSetup: Hashable, Sendable, CustomStringConvertible {
    /// Both operands have 1...N digits, each number of digits equally likely and independent of the other's.
    case balanced(maximumDigits: Int)
    /// Both operands have that many digits (the paper's fixed set-up).
    case fixed(digits: Int)
    /// One operand, chosen at random, has that many digits, the other as many or fewer, at least 1 (the
    /// paper's varying set-up).
    case varying(digits: Int)
    /// What the paper's code trains on: one operand, chosen at random, has N+k digits; the other half the
    /// time 1...N and else N+1...N+k.
    case referenceCode(trainedDigits: Int, additionalDigits: Int)

    /// The set-up without its digits, for example `fixed`.
    public var name: String {
        switch self {
        case .balanced: "balanced"
        case .fixed: "fixed"
        case .varying: "varying"
        case .referenceCode: "reference-code"
        }
    }

    /// The largest number of digits that an operand can have.
    public var maximumDigits: Int {
        switch self {
        case .balanced(let digits), .fixed(let digits), .varying(let digits): digits
        case .referenceCode(let trained, let additional): trained + additional
        }
    }

    /// Draws one problem.
    public func problem(from stream: inout RandomStream) -> AdditionProblem {
        switch self {
        case .balanced(let maximum):
            let firstSize = stream.nextInteger(in: 1...max(1, maximum))
            let secondSize = stream.nextInteger(in: 1...max(1, maximum))
            return AdditionProblem(firstSize: firstSize, secondSize: secondSize, from: &stream)
        case .fixed(let digits):
            return AdditionProblem(firstSize: digits, secondSize: digits, from: &stream)
        case .varying(let digits):
            let other = stream.nextInteger(in: 1...max(1, digits))
            return Self.inEitherOrder(digits, other, from: &stream)
        case .referenceCode(let trained, let additional):
            let staysInComfortZone = additional < 1 || stream.nextBool()
            let other = stream.nextInteger(
                in: staysInComfortZone ? 1...max(1, trained) : (trained + 1)...(trained + additional))
            return Self.inEitherOrder(trained + additional, other, from: &stream)
        }
    }

    /// The problems of samples 0..<count of a step: each is a pure function of key and sample.
    public func problems(count: Int, key: RandomStream.Key) -> [AdditionProblem] {
        (0..<max(0, count)).map { sample in
            var stream = RandomStream(key, sample: UInt64(sample))
            return problem(from: &stream)
        }
    }

    /// For example `fixed, 8+8 digits`.
    public var description: String {
        switch self {
        case .balanced(let digits): "balanced, 1...\(digits) digits"
        case .fixed(let digits): "fixed, \(digits)+\(digits) digits"
        case .varying(let digits): "varying, up to \(digits) digits"
        case .referenceCode(let trained, let additional):
            "reference code, \(trained)+\(additional) digits"
        }
    }

    private static func inEitherOrder(
        _ size: Int, _ other: Int, from stream: inout RandomStream
    ) -> AdditionProblem {
        let isSwapped = stream.nextBool()
        return AdditionProblem(
            firstSize: isSwapped ? other : size, secondSize: isSwapped ? size : other, from: &stream)
    }
}
