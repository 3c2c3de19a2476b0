#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

internal import HeapModule

/// How the next token is chosen.
public struct SamplingOptions: Sendable, Hashable, Codable {
    /// Divides the logits; 0 takes the most probable token, the first one of equals.
    public var temperature: Float
    /// Only the k most probable tokens can be drawn; all where nil.
    public var topK: Int?

    /// Sampling from the whole distribution unless told otherwise.
    public init(temperature: Float = 1, topK: Int? = nil) {
        self.temperature = temperature
        self.topK = topK
    }

    /// The most probable token, always.
    public static let greedy = SamplingOptions(temperature: 0)

    /// Checks the ranges.
    ///
    /// - Throws: ``ModelError`` naming the option.
    public func validate() throws(ModelError) {
        guard temperature >= 0, temperature.isFinite else {
            throw ModelError(field: "temperature", found: "\(temperature)", expected: "0 or a positive number")
        }
        if let topK, topK < 1 { throw ModelError(field: "top_k", found: "\(topK)", expected: "1 or more") }
    }

    /// The first of the most probable tokens.
    static func mostProbable(_ logits: Span<Float>) -> Int {
        var token = 0
        for index in logits.indices where logits[index] > logits[token] { token = index }
        return token
    }

    /// The token at which the cumulative probability passes `uniform`.
    func draw(_ logProbs: Span<Float>, uniform: Double) -> Int {
        let candidates = topK.flatMap { $0 < logProbs.count ? Self.largest($0, of: logProbs) : nil }
        if let candidates {
            let total = candidates.reduce(0.0) { $0 + Double(exp(logProbs[$1])) }
            var remaining = uniform * total
            for candidate in candidates {
                remaining -= Double(exp(logProbs[candidate]))
                if remaining < 0 { return candidate }
            }
            return candidates.last ?? 0
        }
        var remaining = uniform
        var last = 0
        for index in logProbs.indices {
            let probability = Double(exp(logProbs[index]))
            remaining -= probability
            if remaining < 0 { return index }
            // Rounding may leave a little beyond the end: it goes to the last token that can occur at all.
            if probability > 0 { last = index }
        }
        return last
    }

    /// The k largest, in token order; of equals the first ones.
    private static func largest(_ k: Int, of values: Span<Float>) -> [Int] {
        // The best so far, the smallest first: most values are no match for it and cost one comparison.
        var best = Heap<Candidate>()
        for token in values.indices {
            let candidate = Candidate(value: values[token], token: token)
            if best.count < k {
                best.insert(candidate)
            } else if let smallest = best.min, smallest < candidate {
                best.replaceMin(with: candidate)
            }
        }
        return best.unordered.map(\.token).sorted()
    }

    /// A token that may be drawn; the larger, the more it is wanted.
    private struct Candidate: Comparable {
        let value: Float
        let token: Int

        static func < (left: Candidate, right: Candidate) -> Bool {
            (left.value, right.token) < (right.value, left.token)
        }
    }
}
