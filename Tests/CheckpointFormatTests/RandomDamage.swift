import TestSupport

extension [UInt8] {
    /// Changes, removes, inserts and repeats bytes at one to eight places.
    ///
    /// - Parameter repeatedByteCount: How many bytes from the middle of what comes before replace an end.
    mutating func damage(repeatedByteCount: Int, using generator: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...8, using: &generator) {
            let position = Int.random(in: indices, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: self[position] = UInt8.random(in: 0...255, using: &generator)
            case 1: remove(at: position)
            case 2: insert(UInt8.random(in: 0...255, using: &generator), at: position)
            default:
                replaceSubrange(position..., with: Array(dropFirst(position / 2).prefix(repeatedByteCount)))
            }
        }
    }
}
