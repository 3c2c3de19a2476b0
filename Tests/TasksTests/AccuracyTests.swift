import Tasks
import Testing

@Suite("Accuracy")
struct AccuracyTests {
    @Test("The interval is that of a binomial share, within the noise of 1,000 resamples")
    func interval() {
        let outcomes = (0..<400).map { $0 % 4 == 0 }
        let accuracy = Accuracy(outcomes, seed: 1)
        #expect(accuracy.mean == 0.25)
        #expect(accuracy.correctCount == 100)
        // √(0.25·0.75/400) = 0.02165; 1.96 of them = 0.0424.
        #expect(abs(accuracy.lowerBound - (0.25 - 0.0424)) < 0.006)
        #expect(abs(accuracy.upperBound - (0.25 + 0.0424)) < 0.006)
        #expect(accuracy == Accuracy(outcomes, seed: 1))
    }

    @Test("Certain and empty samples")
    func degenerate() {
        let certain = Accuracy(Array(repeating: true, count: 20), seed: 1)
        #expect((certain.lowerBound, certain.mean, certain.upperBound) == (1, 1, 1))
        let empty = Accuracy([], seed: 1)
        #expect((empty.exampleCount, empty.mean) == (0, 0))
    }
}
