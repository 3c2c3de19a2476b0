package import LanguageModel

extension RandomStream {
    /// The next integer, uniform over a range that is not empty; the range's lower bound where it is.
    ///
    /// Uses the upper 64 bits of a 128-bit product (Lemire's multiplication), whose bias is below 2⁻⁵⁰ for
    /// ranges of fewer than 2¹⁴ values and which takes exactly one number from the stream.
    package mutating func nextInteger(in range: ClosedRange<Int>) -> Int {
        let width = UInt64(range.upperBound - range.lowerBound) + 1
        return range.lowerBound + Int(next().multipliedFullWidth(by: width).high)
    }

    /// A fair coin.
    package mutating func nextBool() -> Bool { next() >> 63 == 1 }
}
