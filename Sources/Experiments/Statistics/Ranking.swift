/// How well a score finds the members of a class: higher scores are to mean members.
public struct Ranking: Codable, Hashable, Sendable {
    /// Items in all.
    public let count: Int
    /// Members among them.
    public let memberCount: Int
    /// The probability that a random member scores above a random other, ties counting half (the area under the
    /// receiver operating characteristic); nil where one of the two is missing.
    public let areaUnderCurve: Double?
    /// The share of members among the k highest scores for each k; items of equal score share their places evenly.
    public let precision: [PrecisionAtK]

    /// The share of members among the k highest scores.
    public struct PrecisionAtK: Codable, Hashable, Sendable {
        /// How many items are looked at.
        public let k: Int
        /// The share of members among them.
        public let precision: Double
    }

    /// Ranks items.
    ///
    /// - Parameters:
    ///   - items: Score and membership; scores are finite.
    ///   - places: The ks; those beyond the number of items are left out.
    public init(_ items: [(score: Double, isMember: Bool)], places: [Int]) {
        count = items.count
        memberCount = items.count { $0.isMember }
        let sorted = items.sorted { $0.score > $1.score }
        var ties: [(size: Int, members: Int)] = []
        var start = 0
        while start < sorted.count {
            var end = start
            while end < sorted.count, sorted[end].score == sorted[start].score { end += 1 }
            ties.append((end - start, sorted[start..<end].count { $0.isMember }))
            start = end
        }
        let others = count - memberCount
        if memberCount > 0, others > 0 {
            var othersBelow = Double(others)
            var area = 0.0
            for tie in ties {
                let othersHere = Double(tie.size - tie.members)
                othersBelow -= othersHere
                area += Double(tie.members) * (othersBelow + othersHere / 2)
            }
            areaUnderCurve = area / (Double(memberCount) * Double(others))
        } else {
            areaUnderCurve = nil
        }
        precision = places.filter { (1...max(1, items.count)).contains($0) && !items.isEmpty }.map { k in
            var (left, members) = (Double(k), 0.0)
            for tie in ties where left > 0 {
                let taken = min(left, Double(tie.size))
                members += Double(tie.members) * taken / Double(tie.size)
                left -= taken
            }
            return PrecisionAtK(k: k, precision: members / Double(k))
        }
    }
}
