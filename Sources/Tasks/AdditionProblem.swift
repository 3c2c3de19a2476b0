import LanguageModel

/// Two numbers to add, as decimal digits of any length, most significant first.
public struct AdditionProblem: Hashable, Sendable, CustomStringConvertible {
    /// The first operand's digits, 0...9, most significant first.
    public let first: [UInt8]
    /// The second operand's digits, 0...9, most significant first.
    public let second: [UInt8]

    /// Reads a problem such as `128+367`.
    ///
    /// - Throws: ``TaskError`` where the text is not two numbers in plain decimal, joined by `+`.
    public init(_ text: String) throws(TaskError) {
        let operands = text.utf8.split(separator: UInt8(ascii: "+"), omittingEmptySubsequences: false)
        guard operands.count == 2, let first = Self.digits(operands[0]), let second = Self.digits(operands[1]) else {
            throw TaskError(
                field: "problem", found: text.debugDescription,
                expected: "two numbers without leading zeros joined by '+', for example 128+367")
        }
        self.first = first
        self.second = second
    }

    /// Draws each operand uniformly among the numbers of that many digits: no leading zero, but 0 among
    /// those of one digit. Sizes below 1 count as 1.
    init(firstSize: Int, secondSize: Int, from stream: inout RandomStream) {
        first = Self.drawDigits(firstSize, from: &stream)
        second = Self.drawDigits(secondSize, from: &stream)
    }

    /// The longest problem of that many digits, for example 999+999.
    init(nines size: Int) {
        first = Array(repeating: 9, count: size)
        second = first
    }

    /// The sum's digits, most significant first.
    public var sum: [UInt8] {
        var digits: [UInt8] = []
        var carry: UInt8 = 0
        for place in 0..<max(first.count, second.count) {
            let total = Self.digit(first, atPlace: place) + Self.digit(second, atPlace: place) + carry
            digits.append(total % 10)
            carry = total / 10
        }
        if carry > 0 { digits.append(carry) }
        return digits.reversed()
    }

    /// For example `128+367`.
    public var description: String { Self.joined(first) + "+" + Self.joined(second) }

    /// The digit that counts 10^place; 0 beyond the number's length.
    static func digit(_ digits: [UInt8], atPlace place: Int) -> UInt8 {
        place < digits.count ? digits[digits.count - 1 - place] : 0
    }

    private static func joined(_ digits: [UInt8]) -> String { digits.map { String($0) }.joined() }

    private static func digits(_ text: Substring.UTF8View) -> [UInt8]? {
        guard !text.isEmpty, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        let digits = text.map { $0 - UInt8(ascii: "0") }
        return digits.count > 1 && digits[0] == 0 ? nil : digits
    }

    private static func drawDigits(_ size: Int, from stream: inout RandomStream) -> [UInt8] {
        var digits = [UInt8(stream.nextInteger(in: size > 1 ? 1...9 : 0...9))]
        for _ in 1..<max(1, size) { digits.append(UInt8(stream.nextInteger(in: 0...9))) }
        return digits
    }
}
