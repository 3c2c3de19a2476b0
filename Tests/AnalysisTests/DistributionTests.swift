import Analysis
import Testing

@Suite struct DistributionTests {
    @Test func percentilesInterpolateBetweenRanks() throws {
        // numpy.percentile([1, 2, 4, 8], [50, 90, 95, 99, 99.9]) = 3, 6.8, 7.4, 7.88, 7.988
        let distribution = try #require(Distribution([8, 1, 4, 2]))
        #expect(distribution.count == 4)
        #expect(distribution.mean == 3.75)
        #expect(distribution.median == 3)
        #expect(abs(distribution.p90 - 6.8) < 1e-12)
        #expect(abs(distribution.p95 - 7.4) < 1e-12)
        #expect(abs(distribution.p99 - 7.88) < 1e-12)
        #expect(abs(distribution.p99_9 - 7.988) < 1e-12)
        #expect(distribution.maximum == 8)
    }

    @Test func oneValueIsEveryPercentile() throws {
        let distribution = try #require(Distribution([5]))
        #expect([distribution.median, distribution.p90, distribution.p99_9, distribution.maximum] == [5, 5, 5, 5])
        #expect(Distribution([]) == nil)
        #expect(Distribution.percentile(0, ofSorted: [1, 2]) == 1)
        #expect(Distribution.percentile(100, ofSorted: [1, 2]) == 2)
        #expect(Distribution.percentile(50, ofSorted: []).isNaN)
    }

    @Test func infinitiesAndNaNsShow() throws {
        let infinite = try #require(Distribution([1, .infinity, .infinity]))
        #expect(infinite.median == .infinity)
        #expect(infinite.maximum == .infinity)
        let broken = try #require(Distribution([1, .nan, 2]))
        #expect(broken.mean.isNaN && broken.median.isNaN && broken.maximum.isNaN)
    }
}
