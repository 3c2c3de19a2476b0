/// A token at which a model trained on N digits has to copy more than it ever did.
///
/// Where a step line copies an operand of N+g digits, the last g elements and the commas before them are
/// critical, on step lines 1, 2 and 3 (arXiv 2502.06533 and its code): a model trained on at most N digits
/// closes the list too early, or writes the digit that it should have dropped.
public struct CriticalToken: Hashable, Sendable, Codable {
    /// What has to be written there.
    public enum Kind: String, CaseIterable, Codable, Hashable, Sendable {
        /// The comma that keeps the list open.
        case comma
        /// The digit after it.
        case digit
    }

    /// The step line, from 1.
    public let step: Int
    /// The operand whose digits are copied, 1 or 2.
    public let operand: Int
    /// The k of `n+k`: how many digits beyond N this one is.
    public let excess: Int
    /// Comma or digit.
    public let kind: Kind
    /// The token's place in the completion.
    public let position: Int

    /// The paper's code's name, for example `step_1/operand_2/n+1_comma`.
    public var name: String { "step_\(step)/operand_\(operand)/n+\(excess)_\(kind.rawValue)" }
}

extension AdditionProblem {
    /// The step lines whose lists have critical tokens, from 1.
    static let criticalSteps = 1...3

    /// The critical tokens of a completion, in order, for a model trained on at most `trainedDigits` digits.
    ///
    /// An operand's lists are followed only as long as they were copied correctly: the token of the first
    /// mistake is still reported, nothing of that operand after it. The right tokens at the reported
    /// positions are those of the true lists, so for the right answer they are the answer's own.
    ///
    /// - Parameter completion: The text after the prompt as ASCII; other characters as any other byte.
    func criticalTokens(in completion: [UInt8], trainedDigits: Int) -> [(token: CriticalToken, right: UInt8)] {
        var found: [(token: CriticalToken, right: UInt8)] = []
        let operands = [first, second]
        var isCopiedCorrectly = [true, true]
        var step = -1  // the answer starts with the newline after `Target:`, then comes `<scratch>`
        var openedLists = 0
        var list: (operand: Int, text: [UInt8], start: Int)?
        for (position, character) in completion.enumerated() {
            if character == UInt8(ascii: "\n") {
                step += 1
                openedLists = 0
                list = nil
                if step > Self.criticalSteps.upperBound { break }
                continue
            }
            guard Self.criticalSteps.contains(step) else { continue }
            if list == nil, character == UInt8(ascii: "[") {
                openedLists += 1
                if openedLists <= operands.count {
                    let digits = Self.remaining(operands[openedLists - 1], step: step - 1)
                    list = (openedLists - 1, Array(Self.list(digits).utf8), position)
                }
            }
            guard let current = list, isCopiedCorrectly[current.operand] else {
                if character == UInt8(ascii: "]") { list = nil }
                continue
            }
            let place = position - current.start
            let right = current.text[place]
            let excess = operands[current.operand].count - trainedDigits
            let fromEnd = current.text.count - 1 - place  // 0 for the closing bracket
            if place > 0, (1...max(1, 2 * excess)).contains(fromEnd), excess > 0 {
                let token = CriticalToken(
                    step: step, operand: current.operand + 1, excess: excess - (fromEnd - 1) / 2,
                    kind: right == UInt8(ascii: ",") ? .comma : .digit, position: position)
                found.append((token, right))
            }
            if character != right { isCopiedCorrectly[current.operand] = false }
            if place == current.text.count - 1 || character == UInt8(ascii: "]") { list = nil }
        }
        return found
    }
}

extension AdditionTask {
    /// A critical token of a completion and the token that would be right there.
    public struct LabelledToken: Hashable, Sendable {
        /// Which critical token it is, and its place in the completion.
        public let critical: CriticalToken
        /// The right token at that place.
        public let rightToken: Int32

        /// A critical token and what is right there.
        public init(critical: CriticalToken, rightToken: Int32) {
            self.critical = critical
            self.rightToken = rightToken
        }
    }

    /// The critical tokens of what a model wrote, in order.
    ///
    /// An operand's lists are followed only as long as they were copied correctly: the token of the first
    /// mistake is still reported, nothing of that operand after it.
    public func criticalTokens(
        in completion: [Int32], of problem: AdditionProblem, trainedDigits: Int
    ) -> [LabelledToken] {
        let text = completion.map { ascii($0) }
        return problem.criticalTokens(in: text, trainedDigits: trainedDigits).map { critical, right in
            LabelledToken(critical: critical, rightToken: token(ofASCII: right))
        }
    }

    /// The critical tokens of a problem's right answer, in order.
    public func criticalTokens(ofAnswerTo problem: AdditionProblem, trainedDigits: Int) -> [LabelledToken] {
        criticalTokens(in: answer(of: problem), of: problem, trainedDigits: trainedDigits)
    }
}
