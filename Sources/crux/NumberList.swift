internal import ArgumentParser

/// Numbers with commas between them, as an option's value.
enum NumberList {
    /// The numbers, each once.
    ///
    /// - Throws: `ValidationError` naming the option and what is not such a number.
    static func parse(_ text: String, option: String, in range: ClosedRange<Double>) throws -> [Double] {
        var numbers: [Double] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Double(part), range.contains(number) else {
                throw ValidationError(
                    "\(option): found '\(part)', expected numbers from \(range.lowerBound) to \(range.upperBound), by "
                        + "commas")
            }
            if !numbers.contains(number) { numbers.append(number) }
        }
        return numbers
    }

    /// The same for whole numbers.
    static func parse(_ text: String, option: String, in range: ClosedRange<Int>) throws -> [Int] {
        var numbers: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Int(part), range.contains(number) else {
                throw ValidationError(
                    "\(option): found '\(part)', expected whole numbers \(range.lowerBound) … \(range.upperBound), by "
                        + "commas")
            }
            if !numbers.contains(number) { numbers.append(number) }
        }
        return numbers
    }
}
