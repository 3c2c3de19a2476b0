/// The scratchpad text of arXiv 2502.06533, after Lee et al., "Teaching Arithmetic to Small Transformers".
extension AdditionProblem {
    /// What the model is given: everything up to and including `Target:`.
    public var prompt: String { "Input:\n\(self)\nTarget:" }

    /// What the model has to write, from the newline after `Target:` to the newline after the result.
    public var answer: String {
        var text = "\n<scratch>\n"
        var result: [UInt8] = []  // most significant first
        var carry: UInt8 = 0
        let stepCount = max(first.count, second.count)
        for step in 0..<stepCount {
            let (a, b) = (Self.digit(first, atPlace: step), Self.digit(second, atPlace: step))
            let total = a + b + carry
            text += "\(operandLists(step: step)) , A=\(Self.list(result)) , C=\(carry) , "
            text += "\(a)+\(b)+\(carry)=\(total) , A->\(total % 10) , C->\(total / 10)\n"
            result.insert(total % 10, at: 0)
            carry = total / 10
        }
        // The last step line has no comma before `C=`, as in the paper.
        text += "\(operandLists(step: stepCount)) , A=\(Self.list(result)) C=\(carry) , END\n"
        text += Self.resultMarker + resultLine + "\n"
        return text
    }

    /// The sum as the answer's last line writes it, without the newline: digits separated by spaces.
    public var resultLine: String { sum.map { String($0) }.joined(separator: " ") }

    /// What stands between the steps and the result line.
    static let resultMarker = "</scratch>\n"

    /// The result line of a model's answer, without its newline; nil where the answer has none or is cut off.
    public static func resultLine(inAnswer answer: String) -> String? {
        guard let marker = answer.firstRange(of: resultMarker) else { return nil }
        let rest = answer[marker.upperBound...]
        guard let end = rest.firstIndex(of: "\n") else { return nil }
        return String(rest[..<end])
    }

    /// Whether an answer ends in exactly the right result line; the steps before it do not matter.
    public func isCorrect(answer: String) -> Bool { Self.resultLine(inAnswer: answer) == resultLine }

    /// The digits that step line `step` (from 0) still has to add, as the scratchpad writes both lists.
    private func operandLists(step: Int) -> String {
        Self.list(Self.remaining(first, step: step)) + " + " + Self.list(Self.remaining(second, step: step))
    }

    /// The digits of an operand that are left at step line `step` (from 0).
    static func remaining(_ digits: [UInt8], step: Int) -> ArraySlice<UInt8> { digits.dropLast(step) }

    /// For example `[1,2,8]`.
    static func list(_ digits: some Sequence<UInt8>) -> String {
        "[" + digits.map { String($0) }.joined(separator: ",") + "]"
    }
}
